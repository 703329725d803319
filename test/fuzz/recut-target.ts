/**
 * Parameter injection: a text signed for another product must not pay an order, however it is
 * divided into fields.
 *
 * The attacker has an open order. Another product of the same merchant signs a text of the attacker
 * with the same key and reveals the signature. The attacker writes the fields of a notification
 * into that text and then divides the signed text into other fields ("recut").
 */
import fc from 'fast-check'
import { ok } from '../../lib/core/result.ts'
import type { Cache, Clock, Deps, Ledger, Notifications, PayGateway } from '../../lib/ports.ts'
import { handleNotification } from '../../lib/steps/handle-notification.ts'
import { readNotification } from '../../lib/wechat/v2/notification.ts'
import { sign, type SignType } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/xml.ts'
import { openOrder, paidOrder, theConfirmation } from '../support/latte.ts'
import { only } from '../support/only.ts'
import { demoPay } from '../support/samples.ts'
import type { Entries, Entry } from './mutations.ts'
import { Violation, type Outcome, type Target } from './target.ts'

const ours = [
  ['appid', demoPay.appid],
  ['mch_id', demoPay.mchId],
  ['nonce_str', '5d2b6c2a8db53831f7eda20af46e531c'],
] as const

/** The fields of a notification about the attacker's order, in signing order. */
export const WANTED: Entries = [
  ['appid', demoPay.appid],
  ['bank_type', 'OTHERS'],
  ['cash_fee', String(openOrder.totalFee)],
  ['fee_type', 'CNY'],
  ['is_subscribe', 'N'],
  ['mch_id', demoPay.mchId],
  ['nonce_str', 'n'],
  ['openid', theConfirmation.openid],
  ['out_trade_no', openOrder.outTradeNo],
  ['result_code', 'SUCCESS'],
  ['return_code', 'SUCCESS'],
  ['time_end', '20250102030501'],
  ['total_fee', String(openOrder.totalFee)],
  ['trade_type', 'JSAPI'],
  ['transaction_id', theConfirmation.transactionId],
]

/** Builds the fields that a product signs. `texts` are the parts that the user writes. */
type Product = (texts: readonly string[]) => Entries

const text = (texts: readonly string[], which: number) => texts[which] ?? ''

const products: Readonly<Record<string, Product>> = {
  'a contract': (texts) => [
    ...ours.slice(0, 2),
    ['contract_code', '100005698'],
    ['contract_display_account', text(texts, 0)],
    ['notify_url', 'https://shop.example/contract'],
    ['plan_id', '12535'],
    ['request_serial', '1000'],
    ['timestamp', '1735758301'],
    ['version', '1.0'],
  ],
  'a native QR code': (texts) => [
    ...ours,
    ['product_id', text(texts, 0)],
    ['time_stamp', '1735758301'],
  ],
  'an order of another shop system': (texts) => [
    ...ours,
    ['attach', text(texts, 0)],
    ['body', text(texts, 1)],
    ['detail', text(texts, 2)],
    ['device_info', text(texts, 3)],
    ['notify_url', 'https://shop.example/api/notify'],
    ['openid', theConfirmation.openid],
    ['out_trade_no', 'OTHER-000001'],
    ['spbill_create_ip', '203.0.113.7'],
    ['total_fee', '1'],
    ['trade_type', 'JSAPI'],
  ],
  'a payment code at a checkout': (texts) => [
    ...ours,
    ['attach', text(texts, 0)],
    ['auth_code', text(texts, 1)],
    ['body', text(texts, 2)],
    ['out_trade_no', 'OTHER-000001'],
    ['spbill_create_ip', '203.0.113.7'],
    ['total_fee', '1'],
  ],
  'a car park': (texts) => [
    ...ours,
    ['openid', text(texts, 0)],
    ['plate_number', text(texts, 1)],
    ['trade_scene', 'PARKING'],
  ],
  'a coupon': (texts) => [
    ['coupon_code', text(texts, 0)],
    ['open_id', text(texts, 1)],
    ['out_request_no', '1'],
    ['send_coupon_merchant', demoPay.mchId],
    ['stock_id', '1'],
  ],
  'a notification of a cheaper order': (texts) => [
    ...WANTED.filter(
      ([name]) => !['out_trade_no', 'total_fee', 'cash_fee', 'transaction_id'].includes(name),
    ),
    ['attach', text(texts, 0)],
    ['cash_fee', '1'],
    ['device_info', text(texts, 1)],
    ['out_trade_no', 'OTHER-000001'],
    ['total_fee', '1'],
    ['transaction_id', '4200002500202501020000000002'],
  ],
  'a product with a text in front': (texts) => [['A', text(texts, 0)], ...ours, ['zone', '1']],
  'a product with a text in its middle': (texts) => [
    ...ours,
    ['memo', text(texts, 0)],
    ['zone', '1'],
  ],
  'a product with a text at its end': (texts) => [...ours, ['zone', text(texts, 0)]],
  'a product with texts in front and at its end': (texts) => [
    ['appid', demoPay.appid],
    ['attach', text(texts, 0)],
    ['zone', text(texts, 1)],
  ],
  'a product that signs a text alone': (texts) => [['a', text(texts, 0)]],
  'a product with a text in the openid, at its end': (texts) => [
    ...ours,
    ['openid', text(texts, 0)],
  ],
  'a product with a text in the device, and no more': (texts) => [
    ['appid', demoPay.appid],
    ['device_info', text(texts, 0)],
  ],
}

const isLater = (a: string, b: string): boolean => a > b

/**
 * The attacker's text: a beginning, fields of a notification, and a last field that absorbs the
 * rest.
 */
const injectionText = (own: ReadonlySet<string>, host: string): fc.Arbitrary<string> =>
  fc
    .record({
      begins: fc.constantFrom('x', '', theConfirmation.openid),
      fields: fc.constantFrom(
        WANTED,
        WANTED.filter(([name]) => isLater(name, host)),
        WANTED.filter(([name]) => !own.has(name)),
        WANTED.filter(([name]) => isLater(name, host) && !own.has(name)),
        [],
      ),
      from: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.nat({ max: WANTED.length }) },
      ),
      ends: fc.constantFrom(
        '',
        '&z=z',
        '&transaction_idz=z',
        '&attach=a',
        '&b=b',
        '&Z=',
        '&=&',
        '&&z=',
      ),
    })
    .map(
      ({ begins, fields, from, ends }) =>
        [begins, ...fields.slice(from).map((field) => field.join('='))].join('&') + ends,
    )

export interface Recut {
  readonly product: string
  readonly message: Entries
  readonly attach: string | null
}

const signedText = (entries: Entries): string =>
  entries
    .filter(([, value]) => value !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map((entry) => entry.join('='))
    .join('&')

/**
 * Divides the signed text into other fields. `hides` decides whether a piece stays in the value of
 * the field before it.
 */
function cut(
  signed: string,
  hides: (piece: number, name: string, last: string) => boolean,
): Entries | null {
  const entries: (readonly [string, string])[] = []
  for (const [index, piece] of signed.split('&').entries()) {
    const [, name, value] = /^([A-Za-z]\w{0,63})=([^]+)$/.exec(piece) ?? []
    const last = entries.at(-1)
    const begins =
      name !== undefined &&
      value !== undefined &&
      name !== 'sign' &&
      (last === undefined || name > last[0])
    if (begins && (last === undefined || !hides(index, name, last[0]))) entries.push([name, value])
    else if (last === undefined) return null
    else entries[entries.length - 1] = [last[0], `${last[1]}&${piece}`]
  }
  return signedText(entries) === signed ? entries : null
}

const inputs: fc.Arbitrary<Recut> = fc
  .constantFrom(...Object.entries(products))
  .chain(([product, make]) => {
    const own = new Set(make([]).map(([name]) => name))
    const hosts = make(['1', '1', '1', '1']).filter(([name]) =>
      make([]).some(([other, value]) => other === name && value === ''),
    )
    return fc
      .record({
        texts: fc.tuple(
          ...hosts.map(([host]) => fc.oneof(fc.constantFrom('x', '1'), injectionText(own, host))),
        ),
        type: fc.constantFrom<SignType[]>('MD5', 'HMAC-SHA256'),
        attach: fc.constantFrom(null, 'store=1&src=mp'),
        // How fields are chosen: hide those that the notification does not need, hide none, or
        // choose at random.
        way: fc.constantFrom('needed', 'all', 'random'),
        random: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        extra: fc.constantFrom<Entries[]>([], [['fee_type', '']]),
      })
      .map(({ texts, type, attach, way, random, extra }) => {
        const signed = make(texts)
        const wanted = new Set(WANTED.map(([name]) => name))
        const recutFields = cut(signedText(signed), (piece, name) => {
          if (way === 'all') return false
          if (way === 'random') return random[piece % random.length] === true
          return !wanted.has(name) && name !== 'attach' && name !== 'z'
        })
        const fields = recutFields ?? signed
        return {
          product,
          attach,
          message: [
            ...extra,
            ...fields,
            ['sign', sign(new Map(signed), demoPay.key, type)] satisfies Entry,
          ],
        }
      })
  })

export const recutTarget: Target<Recut> = {
  name: 'recut signed texts',
  inputs,
  async check({ message, attach, product }): Promise<Outcome> {
    const outcome = await handleSigned(message, attach)
    if (outcome === 'paid') throw new Violation(`${product}: the text signed for it pays an order`)
    return outcome
  },
  print: ({ message, product }) => `${product}: ${JSON.stringify(message)}`,
}

/**
 * Handles a message about the attacker's order, which WeChat reports as unpaid. Returns the
 * outcome.
 */
export async function handleSigned(message: Entries, attach: string | null): Promise<Outcome> {
  let outcome: Outcome = 'acknowledged'
  const order = { ...openOrder, attach }
  const deps = only<Deps>({
    autoShipping: null,
    webhook: null,
    log: ({ event }) => void (outcome = event),
    setLogOrder: () => undefined,
    waitUntil: () => undefined,
    clock: only<Clock>({ now: () => new Date('2025-01-01T19:05:02Z') }),
    cache: only<Cache>({ lockNotification: async () => 'down' }),
    notifications: only<Notifications>({
      async read({ bytes }) {
        const read = await readNotification(demoPay, bytes)
        return read.ok ? ok({ ...read.value, protocol: order.account.protocol }) : read
      },
    }),
    gateway: () => only<PayGateway>({ queryOrder: async () => ok({ state: 'open' }) }),
    ledger: only<Ledger>({
      find: async (by) => ('outTradeNo' in by && by.outTradeNo === order.outTradeNo ? order : null),
      recordIncident: async ({ kind }) => void (outcome = kind),
      settle: async () => {
        outcome = 'paid'
        return { moved: true, order: paidOrder }
      },
    }),
  })
  const handled = await handleNotification(deps, {
    headers: new Headers(),
    query: new URLSearchParams(),
    bytes: Buffer.from(writeXml(new Map(message))),
  })
  if (handled.ok) return outcome
  const { error } = handled
  if (error.reason === 'notice_contradicts') return `incident: ${error.field}`
  return `refused: ${error.reason === 'notice_rejected' ? error.check : error.reason}`
}

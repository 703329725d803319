/**
 * Generates hostile notifications of APIv3: genuine ones, signed and encrypted with the right or a
 * wrong key, with a few mutations before and after the signature.
 */
import { createCipheriv, sign, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { toRfc3339 } from '../../lib/core/time.ts'
import { headerValue, hostileText } from './hostile-values.ts'
import { base64Change, jsonChange, jsonTextChange } from './json-changes.ts'
import type { Facts, RefundFacts } from './messages.ts'
import { byteChange } from './mutations.ts'

type Change<T> = (from: T) => T
export type Pairs = readonly (readonly [name: string, value: string])[]

/** The merchant, and the keys of WeChat. */
export interface V3Wechat {
  readonly appid: string
  readonly mchId: string
  readonly apiKey: string
  /** WeChat's private keys by their serial. */
  readonly keys: ReadonlyMap<string, KeyObject>
  /** A key that is not WeChat's. */
  readonly forgersKey: KeyObject
  readonly now: () => Date
}

export interface Signed {
  /** The signed bytes: timestamp, nonce and body. */
  readonly text: Buffer
  readonly serial: string
}

export interface Sealed {
  readonly plain: Buffer
  readonly nonce: string
  readonly associatedData: string
}

export interface V3Message {
  readonly headers: Pairs
  readonly bytes: Buffer
  /** The text that WeChat has signed; null for a signature by the forger. */
  readonly signed: Signed | null
  /** The content that WeChat has encrypted under our APIv3 key; null if it encrypted nothing. */
  readonly sealed: Sealed | null
  /** The kind, if the message is genuine and must be accepted. */
  readonly mustBe: 'paid' | 'refund' | 'echo' | 'complaint' | 'unknown' | null
}

const OTHER_API_KEY = 'AnotherV3ApiKey00000000000000001'
const NONCES = ['fdasflkja484', 'k8r2vQ3t5Xy1', 'x', 'a nonce of more than twelve bytes', '拿铁']
const ASSOCIATED = ['transaction', '', 'refund', 'certificate', '附加数据', 'x'.repeat(300)]

export const transactionOf = (
  { appid, mchId, now }: V3Wechat,
  { outTradeNo, transactionId, totalFee, openid }: Facts,
) => ({
  appid,
  mchid: mchId,
  out_trade_no: outTradeNo,
  transaction_id: transactionId,
  trade_type: 'JSAPI',
  trade_state: 'SUCCESS',
  trade_state_desc: '支付成功',
  bank_type: 'OTHERS',
  attach: 'store=1&src=mp',
  success_time: toRfc3339(now()),
  payer: { openid },
  amount: {
    total: Number(totalFee),
    payer_total: Number(totalFee),
    currency: 'CNY',
    payer_currency: 'CNY',
  },
})

const refundOf = (
  { mchId, now }: V3Wechat,
  { outTradeNo, outRefundNo }: RefundFacts,
  refund_status: string,
) => ({
  mchid: mchId,
  transaction_id: '4200002500202501020000000001',
  out_trade_no: outTradeNo,
  refund_id: '50300002502025010200000000001',
  out_refund_no: outRefundNo,
  refund_status,
  success_time: toRfc3339(now()),
  user_received_account: '支付用户零钱',
  amount: { total: 2800, refund: 100, payer_total: 2800, payer_refund: 100 },
})

interface Content {
  readonly event: string
  readonly original: string
  readonly plain: object
  readonly kind: 'paid' | 'refund' | 'echo' | 'complaint' | 'unknown'
}

const contents = (
  wechat: V3Wechat,
  facts: fc.Arbitrary<Facts>,
  refunds: fc.Arbitrary<RefundFacts>,
): fc.Arbitrary<Content> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: facts.map((fact) => ({
        event: 'TRANSACTION.SUCCESS',
        original: 'transaction',
        plain: transactionOf(wechat, fact),
        kind: 'paid' as const,
      })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(refunds, fc.constantFrom('SUCCESS', 'ABNORMAL', 'CLOSED'))
        .map(([fact, status]) => ({
          event: `REFUND.${status}`,
          original: 'refund',
          plain: refundOf(wechat, fact, status),
          kind: 'refund' as const,
        })),
    },
    {
      weight: 1,
      arbitrary: facts.chain((fact) =>
        fc
          .constantFrom(
            ['SECURITY_ECHO.SUCCESS', 'security', 'echo'] as const,
            ['COUPON.USE', 'coupon', 'unknown'] as const,
            ['REFUND.PROCESSING', 'refund', 'unknown'] as const,
            ['TRANSACTION.PAY', 'transaction', 'unknown'] as const,
          )
          .map(([event, original, kind]) => ({
            event,
            original,
            plain: transactionOf(wechat, fact),
            kind,
          })),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('CREATE', 'STATE_CHANGE').map((change) => ({
        event: `COMPLAINT.${change}`,
        original: 'complaint',
        plain: { complaint_id: '200201820200101080076610000', action_type: 'CREATE_COMPLAINT' },
        kind: 'complaint' as const,
      })),
    },
  )

function seal(apiKey: string, { plain, nonce, associatedData }: Sealed): string {
  const cipher = createCipheriv('aes-256-gcm', apiKey, nonce).setAAD(Buffer.from(associatedData))
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  )
}

/** Changes that give a transaction or a refund another meaning. */
const meaning: fc.Arbitrary<Change<unknown>> = fc
  .constantFrom<object[]>(
    { trade_state: 'NOTPAY' },
    { trade_state: 'REFUND' },
    { appid: 'wx00000000other001' },
    { mchid: '1900000110' },
    { sub_mchid: '1900000110' },
    { sp_mchid: '1900000109' },
    { combine_out_trade_no: 'C-1' },
    { refund_status: 'PROCESSING' },
    { refund_status: 'REFUNDCLOSE' },
    { amount: { total: 1, currency: 'USD' } },
    { amount: { refund: 0 } },
  )
  .map((fields) => (plain) => Object.assign({}, plain, fields))

export const few = <T>(change: fc.Arbitrary<Change<T>>, maxLength: number) =>
  fc
    .array(change, { maxLength })
    .map((all) => (from: T) => all.reduce((changed, next) => next(changed), from))

/** Usually no change, so that many messages stay nearly valid. */
export const sometimes = <T>(change: fc.Arbitrary<Change<T>>, outOf: number) =>
  fc.oneof(
    { weight: outOf - 1, arbitrary: fc.constant((from: T) => from) },
    { weight: 1, arbitrary: few(change, 2) },
  )

export const usually = <T>(usual: T, others: readonly T[], outOf = 6): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: outOf - 1, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )

/** The seconds of the clock, or another notation of a time. */
const timestamp: fc.Arbitrary<Change<number>> = fc.oneof(
  { weight: 8, arbitrary: fc.constant((now: number) => now) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, 299, 300, 301, 86_400)
      .chain((skew) => fc.constantFrom(skew, -skew))
      .map((skew) => (now: number) => now + skew),
  },
)
const timeNotation: fc.Arbitrary<(seconds: number) => string> = usually<
  (seconds: number) => string
>(
  String,
  [
    (seconds) => `0${seconds}`,
    (seconds) => `${seconds}.0`,
    (seconds) => `+${seconds}`,
    (seconds) => `${seconds / 1e9}e9`,
    (seconds) => `0x${seconds.toString(16)}`,
    (seconds) => `${seconds}000`,
    (seconds) => `${seconds} `,
    (seconds) => new Date(seconds * 1000).toISOString(),
    (seconds) => `000000000000${seconds}`,
    () => '',
    () => 'now',
    () => '-1',
    () => '1'.repeat(400),
  ],
  20,
)

const NAMES = [
  'Wechatpay-Timestamp',
  'Wechatpay-Nonce',
  'Wechatpay-Serial',
  'Wechatpay-Signature-Type',
  'Wechatpay-Signature',
] as const

const headerName = fc.constantFrom<string[]>(...NAMES)
const TYPES = [
  'WECHATPAY2-SM2-WITH-SM3',
  'wechatpay2-sha256-rsa2048',
  'WECHATPAY2-SHA256-RSA2048 ',
  'WECHATPAY2-SHA256-RSA4096',
  'none',
  '',
]

/** Changes by which the signature no longer belongs to the headers, or which only rewrite them. */
export const headerChange: fc.Arbitrary<Change<Pairs>> = fc.oneof(
  headerName.map((name) => (headers: Pairs) => headers.filter(([other]) => other !== name)),
  fc.tuple(headerName, headerValue).map(([name, value]) => replaced(name, () => value)),
  fc.constantFrom(...TYPES).map((type) => replaced('Wechatpay-Signature-Type', () => type)),
  base64Change.map((change) => replaced('Wechatpay-Signature', change)),
  fc
    .constantFrom(-600, -1, 1, 300)
    .map((seconds) => replaced('Wechatpay-Timestamp', (text) => String(Number(text) + seconds))),
  fc
    .constantFrom<Change<string>[]>(
      (text) => text.toLowerCase(),
      (text) => `${text}0`,
      () => '__proto__',
      () => 'constructor',
      () => 'PUB_KEY_ID_0',
    )
    .map((change) => replaced('Wechatpay-Serial', change)),
  headerName.map(
    (name) => (headers: Pairs) =>
      headers.map((pair) => (pair[0] === name ? ([name.toLowerCase(), pair[1]] as const) : pair)),
  ),
  headerName.map((name) => (headers: Pairs) => [
    ...headers,
    ...headers.filter(([other]) => other === name),
  ]),
  fc.constant((headers: Pairs) => headers.toReversed()),
)

const replaced =
  (name: string, change: Change<string>): Change<Pairs> =>
  (headers) =>
    headers.map((pair) => (pair[0] === name ? [name, change(pair[1])] : pair))

export interface Signature {
  readonly at: Change<number>
  readonly notation: (seconds: number) => string
  readonly nonce: string
  /** The index of WeChat's key; 9 is the forger's. */
  readonly key: number
  /** Sent instead of the serial of the key; null for its own. */
  readonly serial: string | null
}

export const signature: fc.Arbitrary<Signature> = fc.record({
  at: timestamp,
  notation: timeNotation,
  nonce: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('d824f2e086d3c1df967785d13fcd22ef', 'n') },
    { weight: 1, arbitrary: headerValue },
  ),
  key: fc.constantFrom(0, 0, 0, 1, 2, 9),
  serial: usually<string | null>(null, ['PUB_KEY_ID_0', 'another', '', 'toString'], 12),
})

export const GENUINE: Signature = {
  at: (now) => now,
  notation: String,
  nonce: 'd824f2e086d3c1df967785d13fcd22ef',
  key: 0,
  serial: null,
}

/** The headers of a body as WeChat or a forger signs it. */
export function signBody(
  wechat: V3Wechat,
  body: Uint8Array,
  { at, notation, nonce, key, serial: named }: Signature,
): { readonly headers: Pairs; readonly signed: Signed | null } {
  const seconds = notation(at(Math.floor(wechat.now().getTime() / 1000)))
  const text = Buffer.concat([Buffer.from(`${seconds}\n${nonce}\n`), body, Buffer.from('\n')])
  const entries = [...wechat.keys]
  const [serial = '', privateKey] = entries[(key % 9) % entries.length] ?? []
  const isForged = key === 9 || privateKey === undefined
  const written = sign('sha256', text, isForged ? wechat.forgersKey : privateKey)
  return {
    headers: [
      ['Wechatpay-Timestamp', seconds],
      ['Wechatpay-Nonce', nonce],
      ['Wechatpay-Serial', named ?? serial],
      ['Wechatpay-Signature-Type', 'WECHATPAY2-SHA256-RSA2048'],
      ['Wechatpay-Signature', written.toString('base64')],
    ],
    signed: isForged ? null : { text, serial },
  }
}

/** The headers that HTTP can carry. */
export function toHeaders(pairs: Pairs): Headers {
  const headers = new Headers()
  for (const [name, value] of pairs)
    try {
      headers.append(name, value)
    } catch {
      // Not a value of a header.
    }
  return headers
}

const envelopeOf = ({ event, original }: Content, ciphertext: string, sealed: Sealed) => ({
  id: 'EV-2025010203050200001',
  create_time: '2025-01-02T03:05:02+08:00',
  resource_type: 'encrypt-resource',
  event_type: event,
  summary: '支付成功',
  resource: {
    original_type: original,
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext,
    associated_data: sealed.associatedData,
    nonce: sealed.nonce,
  },
})

/** Nothing is changed that has a meaning. */
const genuine = (wechat: V3Wechat, content: fc.Arbitrary<Content>): fc.Arbitrary<V3Message> =>
  fc
    .record({
      content,
      nonce: fc.constantFrom(...NONCES),
      associatedData: fc.constantFrom(...ASSOCIATED),
      key: fc.constantFrom(0, 1, 2),
      skew: fc.constantFrom(0, 0, 1, -1, 299, -299),
      write: fc.constantFrom<Change<string>[]>(
        (text) => text,
        (text) => text.replaceAll(/([{,])/g, '$1\n '),
        (text) => ` ${text}\n`,
      ),
      isTyped: fc.boolean(),
    })
    .map(({ content: sent, nonce, associatedData, key, skew, write, isTyped }) => {
      const sealed = {
        plain: Buffer.from(write(JSON.stringify(sent.plain))),
        nonce,
        associatedData,
      }
      const envelope = envelopeOf(sent, seal(wechat.apiKey, sealed), sealed)
      const bytes = Buffer.from(write(JSON.stringify(envelope)))
      const { headers, signed } = signBody(wechat, bytes, {
        ...GENUINE,
        key,
        at: (now) => now + skew,
      })
      return {
        headers: headers.filter(([name]) => isTyped || name !== 'Wechatpay-Signature-Type'),
        bytes,
        signed,
        sealed,
        mustBe: sent.kind,
      }
    })

const changed = (wechat: V3Wechat, content: fc.Arbitrary<Content>): fc.Arbitrary<V3Message> =>
  fc
    .record({
      content,
      nonce: fc.constantFrom(...NONCES),
      associatedData: usually<string>('transaction', ASSOCIATED, 2),
      apiKey: usually(wechat.apiKey, [OTHER_API_KEY], 12),
      changePlain: sometimes(fc.oneof(meaning, jsonChange), 3),
      changePlainText: sometimes(jsonTextChange, 6),
      changePlainBytes: sometimes(byteChange, 10),
      changeCipher: sometimes(base64Change, 5),
      changeEnvelope: sometimes(jsonChange, 4),
      resource: sometimes(
        fc
          .tuple(
            fc.constantFrom('associated_data', 'nonce', 'original_type', 'algorithm'),
            fc.oneof(fc.constantFrom(...ASSOCIATED, ...NONCES), hostileText),
          )
          .map(([name, value]) => (fields: object) => ({ ...fields, [name]: value })),
        4,
      ),
      changeText: sometimes(jsonTextChange, 6),
      changeBytes: sometimes(byteChange, 6),
      // Changes after the signature need no key.
      isSignedFirst: fc.boolean(),
      signing: signature,
      changeHeaders: sometimes(headerChange, 2),
    })
    .map((input) => {
      const plainText = input.changePlainText(
        JSON.stringify(input.changePlain(input.content.plain)),
      )
      const sealed = {
        plain: input.changePlainBytes(Buffer.from(plainText)),
        nonce: input.nonce,
        associatedData: input.associatedData,
      }
      const ciphertext = seal(input.apiKey, sealed)
      const before = envelopeOf(input.content, ciphertext, sealed)
      const resource = input.resource({
        ...before.resource,
        ciphertext: input.changeCipher(ciphertext),
      })
      const text = input.changeText(
        JSON.stringify(input.changeEnvelope({ ...before, resource })) ?? '',
      )
      const bytes = input.changeBytes(Buffer.from(text))
      const signedBytes = input.isSignedFirst ? Buffer.from(JSON.stringify(before)) : bytes
      const { headers, signed } = signBody(wechat, signedBytes, input.signing)
      return {
        headers: input.changeHeaders(headers),
        bytes,
        signed,
        sealed: input.apiKey === wechat.apiKey ? sealed : null,
        mustBe: null,
      }
    })

/** An answer to a call, or any signed text, that is sent as a notification. */
const misused = (wechat: V3Wechat, content: fc.Arbitrary<Content>): fc.Arbitrary<V3Message> =>
  fc
    .tuple(
      fc.oneof(
        content.map(({ plain }) => JSON.stringify(plain)),
        content.map(({ plain, event, original }) =>
          JSON.stringify({ ...plain, event_type: event, original_type: original, resource: plain }),
        ),
        fc.constantFrom('', '{"prepay_id":"wx1"}', '[]', 'null', '{"code":"ORDER_PAID"}'),
        hostileText,
      ),
      signature,
    )
    .map(([body, signing]) => {
      const bytes = Buffer.from(body)
      return { ...signBody(wechat, bytes, signing), bytes, sealed: null, mustBe: null }
    })

export function v3Messages(
  wechat: V3Wechat,
  facts: fc.Arbitrary<Facts>,
  refunds: fc.Arbitrary<RefundFacts>,
): fc.Arbitrary<V3Message> {
  const content = contents(wechat, facts, refunds)
  return fc.oneof(
    { weight: 2, arbitrary: genuine(wechat, content) },
    { weight: 14, arbitrary: changed(wechat, content) },
    { weight: 1, arbitrary: misused(wechat, content) },
  )
}

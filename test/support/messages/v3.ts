/** Writes notifications of APIv3: signed JSON with an encrypted resource. */
import { createPrivateKey } from 'node:crypto'
import { demoV3Values, demoWechatPrivateKey } from '../../../dev/world/demo-values.ts'
import { toRfc3339 } from '../../../lib/core/time.ts'
import { mode } from '../mode.ts'
import type { Shop } from '../shop.ts'
import { sealed, signedHeaders, wechatPair } from '../v3-keys.ts'
import type { Message, PaymentFacts, RefundFacts, Signer, Value } from './message.ts'
import type { Writer } from './writer.ts'

/** The content of a notification before its resource is encrypted. */
export interface Event {
  readonly eventType: string
  readonly originalType: string
  readonly plain: object | string
}

export interface Writing {
  readonly signer?: Signer
  readonly apiKey?: string
  /** The time of the signature. */
  readonly at?: Date
  readonly associatedData?: string
}

const API_KEY = demoV3Values.WECHAT_PAY_V3_KEY
const platformKey = createPrivateKey(demoWechatPrivateKey)

/** The name of the key that WeChat signs with. */
export const serialOf = (shop: Shop): string =>
  mode === 'v3-certificate'
    ? (shop.wechat.keys().certificates[0]?.serial ?? '')
    : demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID

/** A body as WeChat signs it, or as a forger does. */
export function signBody(
  shop: Shop,
  body: string | Uint8Array,
  { signer = 'WeChat', at = new Date() }: Pick<Writing, 'signer' | 'at'> = {},
): Message {
  const key = signer === 'a forger' ? wechatPair.privateKey : platformKey
  const headers = signedHeaders(body, at, { serial: serialOf(shop), key })
  if (signer === 'unsigned') delete headers['Wechatpay-Signature']
  return { body, headers: { 'content-type': 'application/json', ...headers } }
}

/** The body of a notification. */
export function writeBody(
  { eventType, originalType, plain }: Event,
  { apiKey = API_KEY, associatedData = originalType }: Writing = {},
): string {
  const text = typeof plain === 'string' ? plain : JSON.stringify(plain)
  return JSON.stringify({
    id: 'EV-2025010203050200000000000001',
    create_time: toRfc3339(new Date()),
    resource_type: 'encrypt-resource',
    event_type: eventType,
    summary: eventType,
    resource: { original_type: originalType, ...sealed(text, { associatedData, apiKey }) },
  })
}

export const writeEvent = (shop: Shop, event: Event, writing: Writing = {}): Message =>
  signBody(shop, writeBody(event, writing), writing)

const present = (
  values: Readonly<Record<string, Value | object>>,
): Record<string, Value | object> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))

export const paymentEvent = (facts: PaymentFacts): Event => ({
  eventType: 'TRANSACTION.SUCCESS',
  originalType: 'transaction',
  plain: present({
    appid: facts.appid,
    mchid: facts.mchId,
    out_trade_no: facts.outTradeNo,
    transaction_id: facts.transactionId,
    trade_type: 'JSAPI',
    trade_state: facts.isPaid ? 'SUCCESS' : 'PAYERROR',
    trade_state_desc: '支付成功',
    bank_type: facts.bankType,
    attach: facts.attach,
    success_time: typeof facts.paidAt === 'string' ? facts.paidAt : toRfc3339(facts.paidAt),
    payer: present({ openid: facts.payer }),
    amount: present({
      total: facts.totalFee,
      payer_total: facts.cashFee,
      currency: facts.feeType,
      payer_currency: facts.feeType,
    }),
  }),
})

const statuses: Readonly<Record<string, string>> = { CHANGE: 'ABNORMAL', REFUNDCLOSE: 'CLOSED' }

function refundEvent(facts: RefundFacts): Event {
  const status = statuses[facts.refundStatus] ?? facts.refundStatus
  return {
    eventType: `REFUND.${status}`,
    originalType: 'refund',
    plain: present({
      mchid: facts.mchId,
      out_trade_no: facts.outTradeNo,
      transaction_id: facts.transactionId,
      out_refund_no: facts.outRefundNo,
      refund_id: facts.refundId,
      refund_status: status,
      ...(status === 'SUCCESS' ? { success_time: toRfc3339(facts.refundedAt) } : {}),
      user_received_account: '支付用户的零钱',
      amount: present({
        total: facts.totalFee,
        refund: facts.refundFee,
        payer_total: facts.totalFee,
        payer_refund: facts.refundFee,
      }),
    }),
  }
}

export const v3: Writer = {
  payment: (shop, facts, signer) => writeEvent(shop, paymentEvent(facts), { signer }),
  refund: (shop, facts, signer) => writeEvent(shop, refundEvent(facts), { signer }),
  withSignatureOf: ({ headers }, { body }) => ({ headers, body }),
  sent(shop, { v3: event }) {
    if (event === null) throw new Error('this notification is one of v2')
    return writeEvent(shop, event)
  },
  acknowledgements: {
    TAKEN: { status: 200, code: 'SUCCESS' },
    REFUSED: { status: 400, code: 'FAIL' },
    NOT_NOW: { status: 500, code: 'FAIL' },
    TOO_LARGE: { status: 413, code: 'FAIL' },
  },
}

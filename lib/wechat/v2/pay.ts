/**
 * Orders over APIv2: unified order, order query, close order, and the arguments of
 * `wx.requestPayment`.
 */
import type { Failure } from '../../core/failure.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import type { OrderTerms } from '../../core/order.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { toBeijingDigits } from '../../core/time.ts'
import type { OrderAtWechat, OrderReference, PayGateway, PaymentArguments } from '../../ports.ts'
import { call } from './call.ts'
import type { CallSettings } from './keys.ts'
import { toConfirmation } from './payment-fields.ts'
import type { Fields } from '../fields.ts'
import { signArguments } from './sign.ts'

type OrderCalls = Pick<PayGateway, 'placeOrder' | 'queryOrder' | 'findPayment' | 'closeOrder'> & {
  prepayKey(order: OrderTerms): string
  signPayment(prepayId: string, at: Date): PaymentArguments
}

/**
 * WeChat may refuse an order that expires within five minutes (its older pages say so, the newer
 * ones say one minute). It then answers PARAM_ERROR. One minute more allows for the difference
 * between the clocks.
 */
const MAY_EXPIRE_TOO_SOON_MS = 6 * 60_000

export const createOrderCalls = (settings: CallSettings): OrderCalls => ({
  async placeOrder(order, at) {
    const answer = await call(settings, '/pay/unifiedorder', unifiedOrder(order))
    if (!answer.ok)
      return isParameterRefused(answer.error) &&
        order.timeExpire.getTime() - at.getTime() < MAY_EXPIRE_TOO_SOON_MS
        ? ok({ outcome: 'expires_too_soon' })
        : answer
    const { value } = answer
    switch (value.kind) {
      case 'success': {
        const prepayId = value.fields.get('prepay_id') ?? ''
        return prepayId === ''
          ? err({ reason: 'wechat_untrusted', check: 'content' })
          : ok({ outcome: 'placed', prepayId })
      }
      case 'paid':
      case 'closed':
        return ok({ outcome: value.kind })
      case 'number_taken':
        return ok({ outcome: 'number_taken', code: value.code, text: value.text })
      case 'missing':
      case 'not_now':
        return err({ reason: 'wechat_refused', code: value.code, text: value.text })
    }
  },

  queryOrder: ({ outTradeNo }) => queryBy(settings, { outTradeNo }),
  findPayment: (transactionId) => queryBy(settings, { transactionId }),

  async closeOrder({ outTradeNo }) {
    const answer = await call(settings, '/pay/closeorder', new Map([['out_trade_no', outTradeNo]]))
    // WeChat does not close an order in its first five minutes and documents no code for that. So
    // any refusal means "not now", and the order query that follows tells the order's state.
    if (!answer.ok) return answer.error.reason === 'wechat_refused' ? ok('not_now') : answer
    switch (answer.value.kind) {
      case 'success':
      case 'closed':
        return ok('closed')
      case 'paid':
      case 'missing':
        return ok(answer.value.kind)
      case 'number_taken':
      case 'not_now':
        return ok('not_now')
    }
  },

  // While there are two keys, no cached `prepay_id` is reused, because only a new call tells which
  // key WeChat uses. Payment arguments under the wrong key fail on the payer's device, where the
  // server cannot detect it.
  prepayKey: (order) =>
    fingerprint([
      settings.appid,
      settings.mchId,
      settings.signType,
      ...(settings.otherKey === undefined ? [] : [settings.newNonce()]),
      ...unifiedOrder(order),
    ]),

  signPayment(prepayId, at): PaymentArguments {
    const args = {
      appId: settings.appid,
      timeStamp: String(Math.floor(at.getTime() / 1000)),
      nonceStr: settings.newNonce(),
      package: `prepay_id=${prepayId}`,
      signType: settings.signType,
    }
    return { ...args, paySign: signArguments(args, settings.key) }
  },
})

async function queryBy(
  settings: CallSettings,
  reference: OrderReference,
): Promise<Result<OrderAtWechat, Failure>> {
  const content: Fields = new Map(
    'outTradeNo' in reference
      ? [['out_trade_no', reference.outTradeNo]]
      : [['transaction_id', reference.transactionId]],
  )
  const answer = await call(settings, '/pay/orderquery', content)
  if (!answer.ok) return answer
  const { value } = answer
  if (value.kind === 'success') return readState(value.fields, reference)
  if (value.kind === 'missing' || value.kind === 'closed') return ok({ state: value.kind })
  return err({ reason: 'wechat_refused', code: value.code, text: value.text })
}

const isParameterRefused = (failure: Failure): boolean =>
  failure.reason === 'wechat_misconfigured' && failure.code === 'PARAM_ERROR'

/**
 * The fields that must be identical whenever this order is sent. Only the nonce and the signature
 * differ.
 */
function unifiedOrder(terms: OrderTerms): Fields {
  return new Map([
    ['body', terms.body],
    ...(terms.attach === null ? [] : [['attach', terms.attach] as const]),
    ['out_trade_no', terms.outTradeNo],
    ['fee_type', 'CNY'],
    ['total_fee', String(terms.totalFee)],
    ['spbill_create_ip', terms.clientIp],
    ['time_start', toBeijingDigits(terms.createdAt)],
    ['time_expire', toBeijingDigits(terms.timeExpire)],
    ['notify_url', terms.notifyUrl],
    ['trade_type', 'JSAPI'],
    ['openid', terms.openid],
  ])
}

/** A trade state of another product means that the order is not paid yet. */
function readState(fields: Fields, asked: OrderReference): Result<OrderAtWechat, Failure> {
  const untrusted = err({ reason: 'wechat_untrusted', check: 'content' } as const)
  if ('outTradeNo' in asked && fields.get('out_trade_no') !== asked.outTradeNo) return untrusted
  const tradeState = fields.get('trade_state')
  switch (tradeState) {
    case undefined:
    case '':
      return untrusted
    case 'SUCCESS':
    case 'REFUND': {
      const confirmation = toConfirmation(fields)
      if (confirmation === null) return untrusted
      if ('transactionId' in asked && confirmation.transactionId !== asked.transactionId)
        return untrusted
      return ok({ state: tradeState === 'REFUND' ? 'refunded' : 'paid', confirmation })
    }
    case 'CLOSED':
      return ok({ state: 'closed' })
    default:
      return ok({ state: 'open' })
  }
}

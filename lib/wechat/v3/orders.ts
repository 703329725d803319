/** Orders over APIv3: prepay, order query, close, and the arguments of `wx.requestPayment`. */
import * as v from 'valibot'
import type { Failure } from '../../core/failure.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import type { OrderTerms } from '../../core/order.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { toRfc3339 } from '../../core/time.ts'
import type { OrderAtWechat, PayGateway, PaymentArguments } from '../../ports.ts'
import { call, type CallSettings } from './call.ts'
import type { V3Settings } from './settings.ts'
import { signPaymentArguments } from './sign.ts'
import { toConfirmation } from './transaction.ts'

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

const PREPAY = '/v3/pay/transactions/jsapi'
const BY_NUMBER = '/v3/pay/transactions/out-trade-no'
const BY_PAYMENT = '/v3/pay/transactions/id'

const placed = v.object({ prepay_id: v.pipe(v.string(), v.nonEmpty()) })

const transaction = v.object({
  appid: v.string(),
  mchid: v.string(),
  out_trade_no: v.string(),
  transaction_id: v.optional(v.string()),
  trade_state: v.pipe(v.string(), v.nonEmpty()),
})

export const createOrderCalls = (settings: CallSettings): OrderCalls => ({
  async placeOrder(order, at) {
    const content = prepayBody(settings, order)
    const answer = await call(settings, 'place', { name: PREPAY, target: PREPAY, content })
    if (!answer.ok)
      return isParameterRefused(answer.error) &&
        order.timeExpire.getTime() - at.getTime() < MAY_EXPIRE_TOO_SOON_MS
        ? ok({ outcome: 'expires_too_soon' })
        : answer
    const { value } = answer
    switch (value.kind) {
      case 'success': {
        const read = v.safeParse(placed, value.json)
        return read.success ? ok({ outcome: 'placed', prepayId: read.output.prepay_id }) : untrusted
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
    const answer = await call(settings, 'close', {
      name: `${BY_NUMBER}/close`,
      target: `${BY_NUMBER}/${encodeURIComponent(outTradeNo)}/close`,
      content: { mchid: settings.mchId },
    })
    if (!answer.ok) return answer
    switch (answer.value.kind) {
      case 'success':
        // An answer with content is one to another call.
        return answer.value.json === null ? ok('closed') : untrusted
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

  prepayKey: (order) => fingerprint(['v3', prepayBody(settings, order)]),

  signPayment: (prepayId, at) => signPaymentArguments(settings, prepayId, at, settings.newNonce()),
})

const untrusted = err({ reason: 'wechat_untrusted', check: 'content' } as const)

const isParameterRefused = (failure: Failure): boolean =>
  failure.reason === 'wechat_misconfigured' && failure.code.replaceAll('_', '') === 'PARAMERROR'

/** Identical whenever this order is sent. WeChat refuses unknown fields and null. */
const prepayBody = ({ appid, mchId }: V3Settings, terms: OrderTerms) => ({
  appid,
  mchid: mchId,
  description: terms.body,
  out_trade_no: terms.outTradeNo,
  time_expire: toRfc3339(terms.timeExpire),
  ...(terms.attach === null ? {} : { attach: terms.attach }),
  notify_url: terms.notifyUrl,
  amount: { total: terms.totalFee, currency: 'CNY' },
  payer: { openid: terms.openid },
  scene_info: { payer_client_ip: terms.clientIp },
})

type Reference = { readonly outTradeNo: string } | { readonly transactionId: string }

export async function queryBy(
  settings: CallSettings,
  reference: Reference,
): Promise<Result<OrderAtWechat, Failure>> {
  const [path, number] =
    'outTradeNo' in reference
      ? [BY_NUMBER, reference.outTradeNo]
      : [BY_PAYMENT, reference.transactionId]
  const answer = await call(settings, 'query', {
    name: path,
    target: `${path}/${encodeURIComponent(number)}?mchid=${settings.mchId}`,
  })
  if (!answer.ok) return answer
  const { value } = answer
  if (value.kind === 'success') return readState(settings, value.json, reference)
  if (value.kind === 'missing' || value.kind === 'closed') return ok({ state: value.kind })
  return err({ reason: 'wechat_refused', code: value.code, text: value.text })
}

/** A trade state of another product means that the order is not paid yet. */
function readState(
  { appid, mchId }: V3Settings,
  json: unknown,
  asked: Reference,
): Result<OrderAtWechat, Failure> {
  const read = v.safeParse(transaction, json)
  if (!read.success) return untrusted
  const { out_trade_no, transaction_id, trade_state, ...identity } = read.output
  if (identity.appid !== appid || identity.mchid !== mchId)
    return err({ reason: 'wechat_untrusted', check: 'merchant' })
  const isAsked =
    'outTradeNo' in asked
      ? out_trade_no === asked.outTradeNo
      : transaction_id === asked.transactionId
  if (!isAsked) return untrusted
  switch (trade_state) {
    case 'SUCCESS':
    case 'REFUND': {
      const confirmation = toConfirmation(json)
      if (confirmation === null) return untrusted
      return ok({ state: trade_state === 'REFUND' ? 'refunded' : 'paid', confirmation })
    }
    case 'CLOSED':
      return ok({ state: 'closed' })
    default:
      return ok({ state: 'open' })
  }
}

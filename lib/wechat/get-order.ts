/**
 * Asks order and shipping management about a paid order.
 *
 * Source: developers.weixin.qq.com, business-capabilities/order-shipping, get_order
 */
import * as v from 'valibot'
import type { Failure } from '../core/failure.ts'
import type { PaidOrder } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import { ORDER_STATES } from '../core/settlement.ts'
import type { ManagedOrder } from '../ports.ts'
import type { MiniProgramSettings } from './login.ts'
import { outcome, postJson } from './post-json.ts'
import { cleanRefusalText } from './refusal-text.ts'
import { tokenFailure, TOKEN_REFUSED } from './token-codes.ts'

const PAYMENT_UNKNOWN = 10060001

const NOTHING_SHIPPED = { finish_shipping: false, shipping_list: [] }
const text = v.fallback(v.string(), '')

/** If a field is missing, the parcels are unknown, and the shipment is reported again. */
const shippingSchema = v.object({
  finish_shipping: v.boolean(),
  shipping_list: v.array(v.object({ tracking_no: text, express_company: text })),
})

const answerSchema = v.object({
  ...outcome,
  order: v.optional(
    v.object({
      transaction_id: v.string(),
      merchant_trade_no: v.string(),
      order_state: v.pipe(v.number(), v.integer()),
      shipping: v.fallback(shippingSchema, NOTHING_SHIPPED),
    }),
  ),
})

export async function getOrder(
  { host }: MiniProgramSettings,
  token: string,
  { transactionId, outTradeNo }: PaidOrder,
): Promise<Result<ManagedOrder, Failure>> {
  const answer = await postJson(
    {
      host,
      path: '/wxa/sec/order/get_order',
      query: `?access_token=${encodeURIComponent(token)}`,
    },
    { transaction_id: transactionId },
    answerSchema,
  )
  if (!answer.ok) return answer
  const { errcode, errmsg, order } = answer.value
  const refused = { code: String(errcode), text: cleanRefusalText(errmsg, [token]) }
  if (errcode === PAYMENT_UNKNOWN) return ok({ outcome: 'unknown_order', ...refused })
  if (TOKEN_REFUSED.includes(errcode)) return ok({ outcome: 'token_refused', ...refused })
  if (errcode !== 0) return err(tokenFailure(errcode, refused.text))
  // WeChat counts the states from 1.
  const state = order === undefined ? undefined : ORDER_STATES[order.order_state - 1]
  const isAsked = order?.transaction_id === transactionId && order.merchant_trade_no === outTradeNo
  if (!isAsked || state === undefined) return err({ reason: 'wechat_untrusted', check: 'content' })
  const { shipping_list: parcels, finish_shipping: isAllDelivered } = order.shipping
  return ok({
    outcome: 'found',
    state,
    isAllDelivered,
    parcels: parcels.map((parcel) => ({
      trackingNo: parcel.tracking_no,
      expressCompany: parcel.express_company,
    })),
  })
}

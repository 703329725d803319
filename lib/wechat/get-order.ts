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
import type { LogisticsType, Parcel } from '../core/shipment.ts'
import type { ManagedOrder, ReportedShipment } from '../ports.ts'
import type { MiniProgramSettings } from './login.ts'
import { outcome, postJson } from './post-json.ts'
import { cleanRefusalText } from './refusal-text.ts'
import { SPLIT, toItemDesc, WIRE_TYPE } from './shipment-fields.ts'
import { tokenFailure, TOKEN_REFUSED } from './token-codes.ts'

const PAYMENT_UNKNOWN = 10060001

const text = v.fallback(v.string(), '')

/** If a field is missing, the shipment counts as unknown. */
const shippingSchema = v.object({
  delivery_mode: v.fallback(v.number(), 0),
  logistics_type: v.number(),
  finish_shipping: v.boolean(),
  goods_desc: text,
  shipping_list: v.array(v.object({ tracking_no: text, express_company: text, goods_desc: text })),
})

const TYPES: readonly LogisticsType[] = ['express', 'local_delivery', 'virtual', 'self_pickup']

const answerSchema = v.object({
  ...outcome,
  order: v.optional(
    v.object({
      transaction_id: v.string(),
      merchant_trade_no: v.string(),
      order_state: v.pipe(v.number(), v.integer()),
      shipping: v.fallback(v.nullable(shippingSchema), null),
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
      isRepeatable: true,
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
  return ok({ outcome: 'found', state, shipment: toReported(order.shipping) })
}

function toReported(
  shipping: v.InferOutput<typeof shippingSchema> | null,
): ReportedShipment | null {
  if (shipping === null) return null
  const { finish_shipping: isAllDelivered, shipping_list: parcels } = shipping
  const logisticsType = TYPES.find((type) => WIRE_TYPE[type] === shipping.logistics_type)
  if (logisticsType === undefined || (parcels.length === 0 && !isAllDelivered)) return null
  return {
    logisticsType,
    isSplit: shipping.delivery_mode === SPLIT,
    isAllDelivered,
    parcels:
      parcels.length === 0
        ? [{ itemDesc: toItemDesc(shipping.goods_desc) }]
        : parcels.map(toParcel),
  }
}

const toParcel = ({
  tracking_no: trackingNo,
  express_company: expressCompany,
  goods_desc: itemDesc,
}: v.InferOutput<typeof shippingSchema>['shipping_list'][number]): Parcel => ({
  itemDesc: toItemDesc(itemDesc),
  ...(trackingNo === '' ? {} : { trackingNo: storable(trackingNo) }),
  ...(expressCompany === '' ? {} : { expressCompany: storable(expressCompany) }),
})

/**
 * Numbers are reported unchanged, so they are read unchanged: they identify a parcel. PostgreSQL
 * stores neither NUL nor lone surrogates, and no number that was sent has them.
 */
const storable = (number: string): string => number.replace(/[\0\p{Cs}]/gu, '')

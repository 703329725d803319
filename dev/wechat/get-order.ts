import * as v from 'valibot'
import { err, ok } from './result.ts'
import { apiError } from './json-answer.ts'
import type { JsonOperation } from './json-call.ts'
import { findByMerchant, findByTransaction } from './order-key.ts'
import { orderStateOf } from './shipment.ts'
import type { Shipment } from './state.ts'

const text = v.optional(v.string(), '')
const bodySchema = v.object({ transaction_id: text, merchant_id: text, merchant_trade_no: text })

const seconds = (ms: number): number => Math.floor(ms / 1000)

/** The order of one payment in order and shipping management. */
export const getOrder: JsonOperation = (simulation, body) => {
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success) return err(apiError(10060014))
  const { transaction_id, merchant_id, merchant_trade_no } = parsed.output
  if (transaction_id === '' && (merchant_id === '' || merchant_trade_no === ''))
    return err(apiError(10060014))
  const found =
    transaction_id === ''
      ? findByMerchant(simulation, merchant_id, merchant_trade_no)
      : findByTransaction(simulation, transaction_id)
  if (!found.ok) return found
  const order = found.value
  return ok({
    order: {
      transaction_id: order.payment?.transactionId,
      merchant_id: simulation.account.mchId,
      sub_merchant_id: '',
      merchant_trade_no: order.outTradeNo,
      description: order.request['body'],
      paid_amount: order.totalFee,
      openid: order.openid,
      trade_create_time: seconds(order.createdAt),
      pay_time: seconds(order.payment?.paidAt ?? 0),
      order_state: orderStateOf(order, simulation.now(), simulation.state.settings),
      in_complaint: false,
      shipping: order.shipment === null ? {} : describe(order.shipment),
    },
  })
}

const describe = (shipment: Shipment): object => ({
  delivery_mode: shipment.deliveryMode,
  logistics_type: shipment.logisticsType,
  finish_shipping: shipment.finished,
  finish_shipping_count: shipment.finished ? (shipment.changed ? 2 : 1) : 0,
  goods_desc: shipment.parcels[0]?.itemDesc ?? '',
  shipping_list: shipment.parcels.map((parcel) => ({
    tracking_no: parcel.trackingNo,
    express_company: parcel.expressCompany,
    goods_desc: parcel.itemDesc,
    upload_time: seconds(parcel.uploadedAt),
  })),
})

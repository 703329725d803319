/**
 * Checks rows from PostgreSQL once and turns them into values. Rows arrive as `to_jsonb`, so times
 * are text.
 */
import * as v from 'valibot'
import { parseOpenid, parseOutRefundNo, parseOutTradeNo } from '../core/ids.ts'
import { toFen } from '../core/money.ts'
import { isPaid, type Order, type OrderTerms } from '../core/order.ts'
import { parsed } from '../validation/parsed.ts'
import type { Refund } from '../core/refund.ts'
import type { Shipment } from '../core/shipment.ts'

/** A moment in the JSON of a row. */
export const time = v.pipe(
  v.string(),
  v.transform((text) => new Date(text)),
  v.date(),
)

export const openid = parsed(v.string(), parseOpenid, 'an openid')
const outTradeNo = parsed(v.string(), parseOutTradeNo, 'an order number')
export const fen = parsed(v.number(), toFen, 'fen')

const orderRow = v.object({
  out_trade_no: outTradeNo,
  trade_state: v.picklist(['NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED']),
  appid: v.string(),
  mch_id: v.string(),
  protocol: v.string(),
  sub_mch_id: v.nullable(v.string()),
  sub_appid: v.nullable(v.string()),
  openid,
  total_fee: fen,
  body: v.string(),
  attach: v.nullable(v.string()),
  items: v.nullable(
    v.array(v.object({ sku: v.string(), name: v.string(), price: fen, quantity: v.number() })),
  ),
  client_ip: v.string(),
  notify_url: v.string(),
  created_at: time,
  time_expire: time,
  request_hash: v.string(),
  closed_at_wechat: v.boolean(),
  transaction_id: v.nullable(v.string()),
  paid_at: v.nullable(time),
  refunded_fee: v.number(),
  shipping_state: v.nullable(v.picklist(['PENDING', 'UPLOADED', 'FAILED'])),
  shipped_at: v.nullable(time),
  confirmed_at: v.nullable(time),
  settled_at: v.nullable(time),
  overdue_at: v.nullable(time),
})

export interface StoredOrder {
  readonly order: Order
  readonly requestHash: string
}

export function readOrder(json: unknown): StoredOrder {
  const row = v.parse(orderRow, json)
  const terms: OrderTerms = {
    outTradeNo: row.out_trade_no,
    account: {
      appid: row.appid,
      mchId: row.mch_id,
      protocol: row.protocol,
      sub: row.sub_mch_id === null ? null : { mchId: row.sub_mch_id, appid: row.sub_appid },
    },
    openid: row.openid,
    totalFee: row.total_fee,
    body: row.body,
    attach: row.attach,
    items: row.items,
    clientIp: row.client_ip,
    notifyUrl: row.notify_url,
    createdAt: row.created_at,
    timeExpire: row.time_expire,
  }
  return { order: withState(terms, row), requestHash: row.request_hash }
}

function withState(terms: OrderTerms, row: v.InferOutput<typeof orderRow>): Order {
  switch (row.trade_state) {
    case 'NOTPAY':
      return { ...terms, tradeState: 'NOTPAY' }
    case 'CLOSED':
      return { ...terms, tradeState: 'CLOSED', closedAtWechat: row.closed_at_wechat }
    case 'SUCCESS':
    case 'REFUND':
      if (row.transaction_id === null || row.paid_at === null)
        throw new Error('a paid order without its payment')
      return {
        ...terms,
        tradeState: row.trade_state,
        transactionId: row.transaction_id,
        paidAt: row.paid_at,
        refundedFee: row.refunded_fee,
        shippingState: row.shipping_state,
        settlement: {
          shippedAt: row.shipped_at,
          confirmedAt: row.confirmed_at,
          settledAt: row.settled_at,
          overdueAt: row.overdue_at,
        },
      }
  }
}

const refundRow = v.object({
  /** The whole row of the refund's order. */
  payment: v.unknown(),
  out_refund_no: parsed(v.string(), parseOutRefundNo, 'a refund number'),
  out_trade_no: outTradeNo,
  refund_fee: fen,
  refund_desc: v.nullable(v.string()),
  refund_status: v.picklist(['PROCESSING', 'SUCCESS', 'REFUNDCLOSE', 'CHANGE']),
  refund_id: v.nullable(v.string()),
  err_code: v.nullable(v.string()),
  err_text: v.nullable(v.string()),
  created_at: time,
  waiting_since: v.nullable(time),
  parked_at: v.nullable(time),
  payout_requested_at: v.nullable(time),
})

export function readRefund(json: unknown): Refund {
  const row = v.parse(refundRow, json)
  const { order } = readOrder(row.payment)
  if (!isPaid(order)) throw new Error('a refund of an order that is not paid')
  const { account, transactionId, openid: payer, totalFee, notifyUrl } = order
  return {
    payment: {
      account,
      outTradeNo: order.outTradeNo,
      transactionId,
      openid: payer,
      totalFee,
      notifyUrl,
    },
    outRefundNo: row.out_refund_no,
    outTradeNo: row.out_trade_no,
    refundFee: row.refund_fee,
    refundDesc: row.refund_desc,
    refundStatus: row.refund_status,
    refundId: row.refund_id,
    errCode: row.err_code,
    errText: row.err_text,
    waitingSince: row.waiting_since ?? row.created_at,
    isParked: row.parked_at !== null,
    payoutRequestedAt: row.payout_requested_at,
  }
}

/** SQL that makes the JSON for `readRefund` of a row with this alias, from `refunds`. */
export const refundJson = (alias: string): string =>
  `to_jsonb(${alias}) || jsonb_build_object('payment',
    (select to_jsonb(o) from orders o where o.out_trade_no = ${alias}.out_trade_no))`

const shipmentRow = v.object({
  out_trade_no: outTradeNo,
  logistics_type: v.picklist(['express', 'local_delivery', 'virtual', 'self_pickup']),
  parcels: v.array(
    v.object({
      itemDesc: v.string(),
      trackingNo: v.optional(v.string()),
      expressCompany: v.optional(v.string()),
      contact: v.optional(
        v.object({
          consignorContact: v.optional(v.string()),
          receiverContact: v.optional(v.string()),
        }),
      ),
    }),
  ),
  shipping_state: v.picklist(['PENDING', 'UPLOADED', 'FAILED']),
  err_code: v.nullable(v.string()),
  err_text: v.nullable(v.string()),
  attempts: v.number(),
  created_at: time,
  requested_at: v.nullable(time),
  content_hash: v.string(),
  is_all_delivered: v.boolean(),
  is_split: v.boolean(),
  reported_parcels: v.number(),
  request_hash: v.nullable(v.string()),
  earlier_requests: v.array(v.string()),
  claim: v.nullable(v.string()),
  uploaded_at: v.nullable(time),
})

export function readShipment(json: unknown): Shipment {
  const row = v.parse(shipmentRow, json)
  return {
    outTradeNo: row.out_trade_no,
    logisticsType: row.logistics_type,
    parcels: row.parcels,
    shippingState: row.shipping_state,
    errCode: row.err_code,
    errText: row.err_text,
    attempts: row.attempts,
    requestedAt: row.requested_at ?? row.created_at,
    contentHash: row.content_hash,
    isAllDelivered: row.is_all_delivered,
    // Earlier versions did not store `is_split`, so the number of parcels decides.
    isSplit: row.is_split || row.parcels.length > 1,
    reportedParcels: row.reported_parcels,
    requestHash: row.request_hash,
    earlierRequests: row.earlier_requests,
    claim: row.claim,
    uploadedAt: row.uploaded_at,
  }
}

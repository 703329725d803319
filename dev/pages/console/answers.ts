/** The answers of the functions, with the fields that the console shows. */
import * as v from 'valibot'
import type { Read } from './client.ts'

const reader =
  <T>(schema: v.GenericSchema<unknown, T>): Read<T> =>
  (json) =>
    v.parse(schema, json)

/** A page of a list, and the cursor of the next one. */
export interface PageOf<Row> {
  readonly rows: readonly Row[]
  readonly next: string | null
}

const withCursor = v.object({ nextCursor: v.optional(v.string()) })
const pageOf =
  <Row>(name: string, row: v.GenericSchema<unknown, Row>): Read<PageOf<Row>> =>
  (json) => {
    const { nextCursor } = v.parse(withCursor, json)
    const { [name]: rows } = v.parse(v.record(v.string(), v.unknown()), json)
    return { rows: v.parse(v.array(row), rows), next: nextCursor ?? null }
  }

const optional = <T>(schema: v.GenericSchema<unknown, T>) => v.optional(schema)
const text = v.string()
const number = v.number()

const order = v.object({
  outTradeNo: text,
  tradeState: v.picklist(['NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED']),
  totalFee: number,
  body: text,
  openid: text,
  createdAt: text,
  timeExpire: text,
  items: optional(v.array(v.object({ sku: text, name: text, price: number, quantity: number }))),
  attach: optional(text),
  transactionId: optional(text),
  paidAt: optional(text),
  refundedFee: optional(number),
  shippingState: optional(v.picklist(['PENDING', 'UPLOADED', 'FAILED'])),
  confirmedAt: optional(text),
  settledAt: optional(text),
})
export type Order = v.InferOutput<typeof order>
export const readOrder = reader(order)
export const readOrders = pageOf('orders', order)

const shipping = v.object({
  ...order.entries,
  orderState: optional(text),
  overdueAt: optional(text),
  shipment: optional(
    v.object({
      logisticsType: text,
      items: v.array(
        v.object({ itemDesc: text, trackingNo: optional(text), expressCompany: optional(text) }),
      ),
      errCode: optional(text),
      errText: optional(text),
    }),
  ),
})
export type Shipping = v.InferOutput<typeof shipping>
export const readShipping = reader(shipping)
export const readShipments = pageOf('orders', shipping)

const facts = v.record(text, v.union([text, number, v.boolean()]))
const history = v.object({
  order,
  timeline: v.array(v.object({ at: text, kind: text, facts })),
})
export type History = v.InferOutput<typeof history>
export type Entry = History['timeline'][number]
export const readHistory = reader(history)

const refund = v.object({
  outRefundNo: text,
  outTradeNo: text,
  refundFee: number,
  refundStatus: v.picklist(['PROCESSING', 'SUCCESS', 'REFUNDCLOSE', 'CHANGE']),
  errCode: optional(text),
  errText: optional(text),
})
export const readRefund = reader(refund)
export const readRefunds = reader(v.object({ refunds: v.array(refund) }))

const side = v.nullable(v.record(text, v.unknown()))
const incident = v.object({
  id: number,
  kind: text,
  outTradeNo: v.nullable(text),
  expected: side,
  received: side,
  source: text,
  occurredAt: text,
  handledAt: optional(text),
  note: optional(text),
})
export type Incident = v.InferOutput<typeof incident>
export const readIncident = reader(incident)
export const readIncidents = pageOf('incidents', incident)

const event = v.object({
  id: text,
  type: text,
  outTradeNo: v.nullable(text),
  createdAt: text,
  state: v.picklist(['delivered', 'waiting', 'parked']),
  deliveredAt: optional(text),
  nextAttemptAt: optional(text),
  attempts: v.array(v.object({ at: text, code: text })),
  data: v.unknown(),
})
export type LoggedEvent = v.InferOutput<typeof event>
export const readEvent = reader(event)
export const readEvents = pageOf('events', event)

const complaint = v.object({
  complaintId: text,
  state: v.picklist(['PENDING', 'PROCESSING', 'PROCESSED']),
  complainedAt: text,
  replyBy: text,
  finishBy: text,
  outTradeNo: v.nullable(text),
  transactionId: optional(text),
  totalFee: optional(number),
  problemType: optional(text),
  applyRefundFee: optional(number),
  isFullyRefunded: v.boolean(),
  isReplyAwaited: v.boolean(),
  times: number,
  detail: text,
})
export type Complaint = v.InferOutput<typeof complaint>
export const readComplaint = reader(complaint)
export const readComplaints = pageOf('complaints', complaint)

const detailedComplaint = v.object({
  ...complaint.entries,
  payerPhone: optional(v.nullable(text)),
  history: v.array(
    v.object({
      at: text,
      operator: text,
      type: text,
      text: optional(text),
      images: optional(v.array(text)),
    }),
  ),
})
export type DetailedComplaint = v.InferOutput<typeof detailedComplaint>
export const readDetailedComplaint = reader(detailedComplaint)

const waiting = v.object({ count: number, oldest: optional(text) })
const due = v.object({ count: number, deadline: optional(text) })
const takings = v.object({
  day: text,
  payments: v.object({ count: number, totalFee: number }),
  refunds: v.object({ count: number, refundFee: number }),
})
export type Takings = v.InferOutput<typeof takings>
export const readTakings = reader(v.object({ days: v.array(takings) }))

const overview = v.object({
  incidents: waiting,
  parkedEvents: waiting,
  shipments: waiting,
  complaints: v.object({ unanswered: due, unfinished: due }),
  refunds: v.object({ count: number, first: v.array(refund) }),
  bills: v.array(v.object({ day: text, outcome: optional(text), differences: optional(number) })),
  takings,
})
export type Overview = v.InferOutput<typeof overview>
export const readOverview = reader(overview)

const bill = v.object({
  day: text,
  state: v.picklist(['not_compared', 'agrees', 'differs']),
  comparedAt: optional(text),
  payments: optional(v.object({ count: number, totalFee: optional(number) })),
  refunds: optional(v.object({ count: number, refundFee: optional(number) })),
  differences: optional(number),
})
export type Bill = v.InferOutput<typeof bill>
export const readBills = pageOf('bills', bill)

const difference = v.object({
  kind: text,
  outTradeNo: v.nullable(text),
  expected: side,
  received: side,
  incident: optional(v.object({ id: number, handledAt: optional(text), note: optional(text) })),
})
export type Difference = v.InferOutput<typeof difference>
export const readDifferences = pageOf('differences', difference)

const product = v.object({ sku: text, name: text, price: number, active: v.boolean() })
export type Product = v.InferOutput<typeof product>
export const readProducts = reader(v.object({ products: v.array(product) }))
export const readNothing = (): null => null

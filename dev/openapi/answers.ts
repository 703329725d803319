/**
 * The answers of the functions and the events of the webhook. They are not checked at run time, so
 * every object is strict: an unlisted field fails the tests.
 */
import * as v from 'valibot'
import type { Health } from '../../lib/ports.ts'
import {
  COMPLAINT_STATES,
  COMPLAINT_TASKS,
  type ComplaintView,
  type DetailedComplaintView,
  type OverdueComplaintView,
  type toComplaintEntryView,
} from '../../lib/core/complaint.ts'
import { COMPLAINT_ID, OPENID, OUT_REFUND_NO, OUT_TRADE_NO } from '../../lib/core/ids.ts'
import { HISTORY_KINDS } from '../../lib/core/order-history.ts'
import { MAX_FEN } from '../../lib/core/money.ts'
import type { MerchantOrderView, OrderView } from '../../lib/core/order.ts'
import type { RefundView } from '../../lib/core/refund.ts'
import { ORDER_STATES } from '../../lib/core/settlement.ts'
import type { toShipmentView } from '../../lib/core/shipment.ts'
import type { ShippingView } from '../../lib/core/shipping-view.ts'
import type {
  BillResult,
  EventType,
  FailedShipmentView,
  Incident,
  PaymentArguments,
  Takings,
} from '../../lib/ports.ts'
import type { toBillView, toDifferenceView } from '../../lib/http/console-bills.ts'
import type { toEntryView, toEventView, toIncidentView } from '../../lib/http/console-views.ts'
import type { embeddedProblem as toEmbeddedProblem } from '../../lib/http/problem.ts'
import type { toOverviewView } from '../../lib/http/overview-views.ts'
import type { Swept } from '../../lib/steps/sweep.ts'

/** A schema for each field of the type, and for no other. */
type FieldsOf<T> = { readonly [K in keyof T]-?: v.GenericSchema }

const said = (description: string) => v.pipe(v.string(), v.description(description))
const whole = (description: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.description(description))
const fen = (description: string) =>
  v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1),
    v.maxValue(MAX_FEN),
    v.description(`${description}; fen`),
  )
const time = (description: string) =>
  v.pipe(
    v.string(),
    v.metadata({
      format: 'date-time',
      pattern: '\\+08:00$',
      description: `${description}; Beijing time`,
    }),
  )
const outTradeNo = v.pipe(
  v.string(),
  v.regex(OUT_TRADE_NO),
  v.description('The shop’s number of the order'),
)

const terms = {
  outTradeNo,
  totalFee: fen('The price of the order'),
  body: said('The description that the payer sees'),
  items: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({
          sku: v.string(),
          name: v.string(),
          price: fen('The price of one'),
          quantity: whole('The quantity'),
        }),
      ),
      v.description(
        'The items with their prices at the time of the order. Absent in orders that the merchant priced',
      ),
    ),
  ),
  attach: v.exactOptional(said('The text that was sent with the order')),
  createdAt: time('When the order was placed'),
  timeExpire: time('When the order expires'),
}
const openid = v.pipe(v.string(), v.regex(OPENID), v.description('The openid of the payer'))
const phoneNumber = v.pipe(
  v.string(),
  v.regex(/^\+?\d[\d-]{4,23}$/),
  v.description('A phone number. Outside China it begins with + and the country code'),
)
const payer = {
  openid: v.exactOptional(v.pipe(openid, v.description('The payer. For the merchant only'))),
  payerPhone: v.exactOptional(
    v.pipe(
      phoneNumber,
      v.description(
        'The payer’s phone number, if they gave it. For the merchant only, in a query or a list, and in no event',
      ),
    ),
  ),
}
const payment = {
  transactionId: v.pipe(
    v.string(),
    v.regex(/^\w{1,32}$/),
    v.description('WeChat’s number of the payment'),
  ),
  paidAt: time('When the order was paid, by WeChat’s clock'),
  refundedFee: v.exactOptional(
    fen('The amount that the payer has received back. Absent until the first refund has succeeded'),
  ),
  shippingState: v.exactOptional(
    v.pipe(
      v.picklist(['PENDING', 'UPLOADED', 'FAILED']),
      v.description('Whether WeChat has the shipment. Absent until a shipment is reported'),
    ),
  ),
  confirmedAt: v.exactOptional(
    time(
      'When WeChat’s confirmation that the payer has the goods was first seen here. Absent until then',
    ),
  ),
  settledAt: v.exactOptional(
    time('When it was first seen here that WeChat has released the money. Absent until then'),
  ),
}
const paidFields = {
  tradeState: v.picklist(['SUCCESS', 'REFUND']),
  ...terms,
  ...payment,
} satisfies FieldsOf<OrderView>
const unpaidOrder = v.strictObject({
  tradeState: v.picklist(['NOTPAY', 'CLOSED']),
  ...terms,
  ...payer,
})
const paidOrder = v.strictObject({ ...paidFields, ...payer })
const order = v.variant('tradeState', [unpaidOrder, paidOrder])

const refundFields = {
  outRefundNo: v.pipe(
    v.string(),
    v.regex(OUT_REFUND_NO),
    v.description('The shop’s number of the refund'),
  ),
  outTradeNo,
  refundId: v.exactOptional(
    said('WeChat’s number of the refund. Absent until WeChat has accepted it'),
  ),
  refundFee: fen('The amount of the refund'),
  refundStatus: v.pipe(
    v.picklist(['PROCESSING', 'SUCCESS', 'REFUNDCLOSE', 'CHANGE']),
    v.description(
      'REFUNDCLOSE: the refund will not happen. CHANGE: the payer’s card does not accept the money. Send the refund again with `payout`, or finish it in the merchant console',
    ),
  ),
  errCode: v.exactOptional(
    said('WeChat’s code that says why the refund was not accepted. For the merchant only'),
  ),
  errText: v.exactOptional(said('WeChat’s own text for the code. For the merchant only')),
} satisfies FieldsOf<RefundView>

const refund = v.strictObject(refundFields)

const shippingError = {
  errCode: said(
    'Why WeChat does not have the shipment: WeChat’s code, or a code of this project if WeChat did not answer. With UPLOADED: why WeChat refused a correction and keeps this shipment',
  ),
  errText: v.exactOptional(said('WeChat’s own text for the code')),
}

const bill = v.strictObject({
  day: v.pipe(v.string(), v.metadata({ format: 'date' })),
  outcome: v.pipe(
    v.picklist(['compared', 'empty', 'too_different']),
    v.description('too_different: there are more than 500 differences, and a person must look'),
  ),
  payments: whole('Payments in the bill'),
  totalFee: whole('The sum of the payments, in fen'),
  refunds: whole('Refunds in the bill'),
  refundFee: whole('The sum of the refunds, in fen'),
  settled: whole('Payments that only the comparison found'),
  differences: whole(
    'Differences. Each is an event `payment.incident`; more than 500 are one event together',
  ),
} satisfies FieldsOf<BillResult & { day: string }>)

const product = { sku: v.string(), name: v.string(), price: fen('The price of one') }
const dependency = v.picklist(['up', 'down'])
const up = v.literal('up')

const complaintFields = {
  complaintId: v.pipe(v.string(), v.regex(COMPLAINT_ID), v.description('WeChat’s number')),
  state: v.pipe(
    v.picklist(COMPLAINT_STATES),
    v.description(
      'PENDING: not replied. PROCESSING: replied, not finished. PROCESSED: finished. The payer may continue it',
    ),
  ),
  complainedAt: time('When the payer complained'),
  replyBy: time('24 hours later: the deadline of the first reply'),
  finishBy: time(
    '72 hours later: the deadline to finish. After that WeChat may pay the payer back',
  ),
  outTradeNo: v.pipe(
    v.nullable(outTradeNo),
    v.description('The order. Null if the ledger does not have it'),
  ),
  transactionId: v.exactOptional(said('WeChat’s number of the payment')),
  openid: v.exactOptional(openid),
  totalFee: v.exactOptional(whole('The amount of the payment, in fen')),
  problemType: v.exactOptional(
    said('WeChat’s value: REFUND, SERVICE_NOT_WORK, OTHERS or a new one'),
  ),
  applyRefundFee: v.exactOptional(whole('The refund that the payer applies for, in fen')),
  isFullyRefunded: v.pipe(v.boolean(), v.description('Whether all of the payment was refunded')),
  isReplyAwaited: v.pipe(v.boolean(), v.description('The payer has written and waits for a reply')),
  times: whole('How often the payer has complained about the payment'),
} satisfies FieldsOf<ComplaintView>

const complaint = v.strictObject({
  ...complaintFields,
  detail: said('The payer’s text'),
} satisfies FieldsOf<DetailedComplaintView>)

const complaintWithHistory = v.strictObject({
  ...complaint.entries,
  payerPhone: v.exactOptional(
    v.pipe(v.nullable(v.string()), v.description('Only with `phone=1`. Null if WeChat has none')),
  ),
  history: v.pipe(
    v.array(
      v.strictObject({
        at: time('When it happened'),
        operator: said('The person or the role, in WeChat’s words'),
        type: said('WeChat’s word, such as MERCHANT_RESPONSE'),
        text: v.exactOptional(v.string()),
        images: v.exactOptional(
          v.pipe(v.array(v.string()), v.description('URLs at WeChat, valid for an hour')),
        ),
      } satisfies FieldsOf<ReturnType<typeof toComplaintEntryView>>),
    ),
    v.description('Oldest first'),
  ),
})
const shipment = v.strictObject({
  outTradeNo,
  logisticsType: v.picklist(['express', 'local_delivery', 'virtual', 'self_pickup']),
  shippingState: v.pipe(
    v.picklist(['PENDING', 'UPLOADED', 'FAILED']),
    v.description(
      'PENDING: it is sent again automatically for a week. FAILED: correct the cause and send it again',
    ),
  ),
  isAllDelivered: v.pipe(v.boolean(), v.description('False: further parcels follow')),
  errCode: v.exactOptional(shippingError.errCode),
  errText: shippingError.errText,
} satisfies FieldsOf<ReturnType<typeof toShipmentView>>)

const shippingView = v.strictObject({
  ...paidFields,
  ...payer,
  orderState: v.exactOptional(
    v.pipe(
      v.picklist(ORDER_STATES),
      v.description(
        'The state in WeChat’s order and shipping management. The payer has the goods in RECEIVED, FINISHED and AWAITING_SETTLEMENT; the money is released in FINISHED. Absent in lists, and while WeChat does not know the payment there',
      ),
    ),
  ),
  overdueAt: v.exactOptional(
    time('The time since which the order counts as not shipped in time. For the merchant only'),
  ),
  shipment: v.exactOptional(
    v.pipe(
      v.strictObject({
        logisticsType: v.picklist(['express', 'local_delivery', 'virtual', 'self_pickup']),
        isAllDelivered: v.pipe(v.boolean(), v.description('False: further parcels follow')),
        items: v.array(
          v.strictObject({
            itemDesc: v.string(),
            trackingNo: v.exactOptional(v.string()),
            expressCompany: v.exactOptional(v.string()),
          }),
        ),
        errCode: v.exactOptional(
          v.pipe(shippingError.errCode, v.description('For the merchant only')),
        ),
        errText: v.exactOptional(said('WeChat’s own text for the code. For the merchant only')),
      } satisfies FieldsOf<NonNullable<ShippingView['shipment']>>),
      v.description(
        'The shipment as it was reported here, or as WeChat keeps it. Absent if none was reported here',
      ),
    ),
  ),
} satisfies FieldsOf<ShippingView>)

const incidentKinds = [
  'order',
  'amount',
  'currency',
  'transaction',
  'payer',
  'time',
  'unconfirmed',
  'refund',
] as const
const billKinds = ['unbilled', 'refund_unknown', 'refund_unbilled', 'bill_row', 'bill'] as const
const facts = v.record(v.string(), v.nullable(v.union([v.string(), v.number()])))

const incidentFields = {
  kind: v.pipe(
    v.picklist([...incidentKinds, ...billKinds]),
    v.description('The kind of difference'),
  ),
  outTradeNo: v.pipe(
    v.nullable(v.string()),
    v.description('Null if it does not concern a single order'),
  ),
  expected: v.pipe(facts, v.description('The facts in the ledger')),
  received: v.pipe(facts, v.description('The facts from WeChat')),
  source: v.pipe(
    v.picklist(['notify', 'query', 'cron', 'prepay', 'close']),
    v.description('The channel that detected it'),
  ),
} satisfies FieldsOf<Omit<Incident, 'at'>>

const storedIncident = v.strictObject({
  id: v.pipe(v.number(), v.integer(), v.minValue(1), v.description('The number of the incident')),
  ...incidentFields,
  occurredAt: time('When it was detected'),
  handledAt: v.exactOptional(time('When it was marked as handled. Absent while it is open')),
  note: v.exactOptional(said('The cause, and the remedy')),
} satisfies FieldsOf<ReturnType<typeof toIncidentView>>)

const loggedEvent = v.strictObject({
  id: said('The `webhook-id` under which it is sent'),
  type: said('The type of the event'),
  outTradeNo: v.pipe(v.nullable(v.string()), v.description('Null if it concerns no single order')),
  createdAt: time('When it happened'),
  state: v.pipe(
    v.picklist(['delivered', 'waiting', 'parked']),
    v.description('parked: it was given up, and waits for a person'),
  ),
  deliveredAt: v.exactOptional(time('When the receiver accepted it')),
  nextAttemptAt: v.exactOptional(
    time('When it is sent next. It also waits for earlier events of its order'),
  ),
  attempts: v.pipe(
    v.array(
      v.strictObject({
        at: time('When the attempt ended'),
        code: said(
          '`delivered`, the status of the answer, or why there was none, as in the log line `event_not_delivered`',
        ),
      }),
    ),
    v.description('Oldest first, also those before it was sent again'),
  ),
  data: v.pipe(v.looseObject({}), v.description('The data of the event')),
} satisfies FieldsOf<ReturnType<typeof toEventView>>)

const nextCursor = v.exactOptional(said('Present if there are more. Send it as `cursor`'))

const takings = v.strictObject({
  day: v.pipe(v.string(), v.metadata({ format: 'date' })),
  payments: v.strictObject({
    count: whole('The number of payments'),
    totalFee: whole('The sum of the payments, in fen'),
  }),
  refunds: v.strictObject({
    count: whole('The number of refunds'),
    refundFee: whole('The sum of the refunds, in fen'),
  }),
} satisfies FieldsOf<Takings>)

const ofEarlierVersion = 'Absent if a version before 0.2.0 compared the day'

const comparedBill = v.strictObject({
  day: bill.entries.day,
  state: v.picklist(['not_compared', 'agrees', 'differs']),
  outcome: v.exactOptional(bill.entries.outcome),
  comparedAt: v.exactOptional(
    time('When it was compared. Present, like the fields below, only if the bill was compared'),
  ),
  payments: v.exactOptional(
    v.strictObject({
      count: bill.entries.payments,
      totalFee: v.exactOptional(whole(`The sum of the payments, in fen. ${ofEarlierVersion}`)),
    }),
  ),
  refunds: v.exactOptional(
    v.strictObject({
      count: bill.entries.refunds,
      refundFee: v.exactOptional(whole(`The sum of the refunds, in fen. ${ofEarlierVersion}`)),
    }),
  ),
  settled: v.exactOptional(bill.entries.settled),
  differences: v.exactOptional(whole('The number of differences')),
} satisfies FieldsOf<Extract<ReturnType<typeof toBillView>, { outcome: unknown }>>)

const billDifference = v.strictObject({
  kind: incidentFields.kind,
  outTradeNo: incidentFields.outTradeNo,
  expected: incidentFields.expected,
  received: v.pipe(facts, v.description('The facts in the bill')),
  incident: v.exactOptional(
    v.pipe(
      v.strictObject({
        id: storedIncident.entries.id,
        handledAt: storedIncident.entries.handledAt,
        note: storedIncident.entries.note,
      }),
      v.description('The incident of this difference. Absent if one incident stands for the day'),
    ),
  ),
} satisfies FieldsOf<ReturnType<typeof toDifferenceView>>)

const waiting = (description: string) =>
  v.pipe(
    v.strictObject({
      count: whole('How many'),
      oldest: v.exactOptional(time('The time since which the oldest of them waits')),
    }),
    v.description(description),
  )
const deadline = (description: string) =>
  v.pipe(
    v.strictObject({
      count: whole('How many'),
      deadline: v.exactOptional(time('The first deadline')),
    }),
    v.description(description),
  )

const overview = v.strictObject({
  incidents: waiting('Incidents that are not handled'),
  parkedEvents: waiting('Events that were given up'),
  shipments: waiting('Paid orders that WeChat refused to ship or that are not shipped in time'),
  complaints: v.strictObject({
    unanswered: deadline(
      'Complaints without a reply, and those whose payer has written again since the last reply',
    ),
    unfinished: deadline('Complaints with a reply that are not finished'),
  }),
  refunds: v.strictObject({
    count: whole(
      'Refunds in CHANGE, those that are not retried any more, and those that WeChat has not accepted for a day',
    ),
    first: v.pipe(v.array(refund), v.description('The 20 oldest of them')),
  }),
  bills: v.pipe(
    v.array(
      v.strictObject({
        day: v.pipe(v.string(), v.metadata({ format: 'date' })),
        outcome: v.exactOptional(bill.entries.outcome),
        differences: v.exactOptional(bill.entries.differences),
      }),
    ),
    v.description('Newest first. Without `outcome`: not compared'),
  ),
  takings,
} satisfies FieldsOf<ReturnType<typeof toOverviewView>>)

/** By their names among the components. */
const paymentArguments = v.strictObject({
  appId: v.string(),
  timeStamp: v.pipe(v.string(), v.regex(/^\d{10}$/)),
  nonceStr: v.pipe(v.string(), v.regex(/^[0-9A-Za-z]{1,32}$/)),
  package: v.pipe(v.string(), v.regex(/^prepay_id=.+$/)),
  signType: v.picklist(['HMAC-SHA256', 'MD5', 'RSA']),
  /** Hex for the first two, Base64 for RSA. */
  paySign: v.pipe(v.string(), v.regex(/^(?:[0-9A-F]{32}(?:[0-9A-F]{32})?|[0-9A-Za-z+/]{342}==)$/)),
} satisfies FieldsOf<PaymentArguments>)

/** A problem inside another answer. */
const embeddedProblem = v.pipe(
  v.strictObject({
    type: v.string(),
    title: v.string(),
    status: v.pipe(v.number(), v.integer()),
    detail: v.string(),
    code: v.string(),
    requestId: v.string(),
    retryAfterSeconds: v.exactOptional(whole('Seconds to wait before calling `/api/prepay`')),
  } satisfies FieldsOf<ReturnType<typeof toEmbeddedProblem>>),
  v.description('Why there is no payment: the problem that `/api/prepay` would have answered'),
)

export const answers = {
  Session: v.strictObject({
    token: said('Send it as `Authorization: Bearer`. It is opaque'),
    expiresIn: v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Seconds')),
    phoneNumber: v.exactOptional(
      v.pipe(phoneNumber, v.description('The user’s phone number, if a `phoneCode` was sent')),
    ),
  }),
  TokenOwner: v.strictObject({
    openid,
    expiresIn: v.pipe(v.number(), v.integer(), v.minValue(0), v.description('Seconds')),
  }),
  Products: v.strictObject({
    products: v.array(
      v.strictObject({
        ...product,
        active: v.exactOptional(
          v.pipe(v.boolean(), v.description('Whether payers can order it. For the merchant only')),
        ),
      }),
    ),
  }),
  SavedProducts: v.strictObject({
    products: v.array(v.strictObject({ ...product, active: v.boolean() })),
  }),
  UnpaidOrder: unpaidOrder,
  PaidOrder: paidOrder,
  Order: order,
  OrderPage: v.strictObject({
    orders: v.array(order),
    nextCursor: v.exactOptional(said('The cursor of the next page. Absent on the last page')),
  }),
  PlacedOrder: v.union([
    order,
    v.strictObject({
      order,
      payment: v.pipe(paymentArguments, v.description('Pass it to `wx.requestPayment` unchanged')),
    }),
    v.strictObject({ order, payment: v.null(), problem: embeddedProblem }),
  ]),
  PaymentArguments: paymentArguments,
  Refund: refund,
  Complaint: complaint,
  StoredIncident: storedIncident,
  IncidentPage: v.strictObject({ incidents: v.array(storedIncident), nextCursor }),
  ShipmentPage: v.strictObject({ orders: v.array(shippingView), nextCursor }),
  OrderHistory: v.strictObject({
    order,
    timeline: v.array(
      v.strictObject({
        at: time('When it happened'),
        kind: v.pipe(
          v.picklist(HISTORY_KINDS),
          v.description(
            'paid: by WeChat’s clock. payment_recorded: the time and the channel (`source`) by which it was found here. refund_requested: a refund was stored, also one that was made in WeChat’s own console. refund_changed: the refund has its present status since then',
          ),
        ),
        facts: v.pipe(
          v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
          v.description('The facts that are stored, under the names that other answers use'),
        ),
      } satisfies FieldsOf<ReturnType<typeof toEntryView>>),
    ),
  }),
  BillsOrDifferences: v.union([
    v.strictObject({ bills: v.array(comparedBill), nextCursor }),
    v.strictObject({ bill: comparedBill, differences: v.array(billDifference), nextCursor }),
  ]),
  TakingsByDay: v.strictObject({ days: v.array(takings) }),
  Overview: overview,
  LoggedEvent: loggedEvent,
  EventPage: v.strictObject({ events: v.array(loggedEvent), nextCursor }),
  ComplaintOrPage: v.union([
    v.strictObject({
      complaints: v.array(complaint),
      nextCursor: v.exactOptional(said('Present if there are more. Send it as `cursor`')),
    }),
    complaintWithHistory,
  ]),
  RefundOrList: v.union([refund, v.strictObject({ refunds: v.array(refund) })]),
  ShipmentOrReceipt: v.union([
    shipment,
    v.strictObject({ outTradeNo, receivedAt: time('When the carrier delivered the order') }),
  ]),
  ShippingOrList: v.union([
    shippingView,
    v.strictObject({
      orders: v.array(shippingView),
      nextCursor: v.exactOptional(said('The cursor of the next page. Absent on the last page')),
    }),
  ]),
  Swept: v.strictObject({
    settled: whole('Orders found to be paid'),
    closed: whole('Orders closed because they had expired'),
    refunded: whole('Refunds found to be paid out'),
    delivered: whole('Events that the webhook accepted'),
    reconciled: whole('Days whose bill was compared'),
    bill: v.exactOptional(bill),
  } satisfies FieldsOf<Swept & { bill: object }>),
  AllUp: v.strictObject({ database: up, redis: up, wechat: up } satisfies FieldsOf<Health>),
  SomeDown: v.pipe(
    v.strictObject({
      database: dependency,
      redis: dependency,
      wechat: dependency,
    } satisfies FieldsOf<Health>),
    v.metadata({
      anyOf: ['database', 'redis', 'wechat'].map((name) => ({
        properties: { [name]: { const: 'down' } },
      })),
    }),
  ),
  Acknowledgement: v.pipe(
    v.strictObject({ return_code: v.picklist(['SUCCESS', 'FAIL']), return_msg: v.string() }),
    v.metadata({ xml: { name: 'xml' } }),
  ),
  JsonAcknowledgement: v.strictObject({
    code: v.picklist(['SUCCESS', 'FAIL']),
    message: v.string(),
  }),
} as const

const event = <T extends EventType, D extends v.GenericSchema>(type: T, meaning: string, data: D) =>
  v.pipe(
    v.strictObject({ type: v.literal(type), timestamp: time('When it happened'), data }),
    v.description(meaning),
  )

/** The events sent to `ORDER_WEBHOOK_URL`. */
export const events = {
  'order.paid': event(
    'order.paid',
    'An order was paid',
    v.strictObject({
      ...paidFields,
      openid,
      tradeState: v.literal('SUCCESS'),
    } satisfies FieldsOf<MerchantOrderView>),
  ),
  'order.closed': event(
    'order.closed',
    'An order was closed. If `order.paid` follows, it was paid after all',
    v.strictObject({ tradeState: v.literal('CLOSED'), ...terms, openid }),
  ),
  'order.settled': event(
    'order.settled',
    'WeChat has released the money of an order: it was shipped, and the payer has the goods',
    v.strictObject({
      ...paidFields,
      openid,
      confirmedAt: time('When WeChat’s confirmation of the receipt was first seen here'),
      settledAt: time('When it was first seen here that WeChat has released the money'),
    } satisfies FieldsOf<MerchantOrderView>),
  ),
  'refund.succeeded': event(
    'refund.succeeded',
    'The payer has received the money back',
    v.strictObject({ ...refundFields, refundStatus: v.literal('SUCCESS') }),
  ),
  'refund.failed': event(
    'refund.failed',
    'A refund will not happen. Its amount may be refunded under a new number',
    v.strictObject({ ...refundFields, refundStatus: v.literal('REFUNDCLOSE') }),
  ),
  'refund.needs_attention': event(
    'refund.needs_attention',
    'A refund waits for a person and may still be made, so do not refund its amount under another number. CHANGE: send the same request again with `payout`, or finish it in the merchant console. PROCESSING: it has waited for a week, or for 15 days at WeChat, and is not retried until you send the same request again. The event of a CHANGE is sent again after its 15 days',
    v.strictObject({ ...refundFields, refundStatus: v.picklist(['PROCESSING', 'CHANGE']) }),
  ),
  'shipping.failed': event(
    'shipping.failed',
    'WeChat refused a shipment for good, or did not accept it for a week: the payment stays frozen until `POST /api/shipping` succeeds. Not sent for an order that was refunded in full',
    v.strictObject({
      ...paidFields,
      openid,
      shippingState: v.literal('FAILED'),
      ...shippingError,
    } satisfies FieldsOf<FailedShipmentView>),
  ),
  'complaint.created': event(
    'complaint.created',
    'A payer has complained to WeChat. Sent once for each complaint. Reply and finish before the two deadlines. The payer’s text is not in it: `GET /api/console/complaints?id=` returns it',
    v.strictObject(complaintFields),
  ),
  'complaint.overdue': event(
    'complaint.overdue',
    'A deadline of a complaint is four hours away or less, and the reply (`task: reply`) or the completion (`task: finish`) is missing. Sent once for each of the two deadlines',
    v.strictObject({
      ...complaintFields,
      task: v.picklist(COMPLAINT_TASKS),
      deadline: time('The deadline that is near or has passed'),
    } satisfies FieldsOf<OverdueComplaintView>),
  ),
  'shipping.overdue': event(
    'shipping.overdue',
    'An order is not shipped at WeChat 24 hours after its payment. WeChat warns after 48 hours, and the payment stays frozen. Sent once, and only if the shop has to ship: WeChat holds its money, or it has reported a shipment before',
    v.strictObject({ ...paidFields, openid } satisfies FieldsOf<MerchantOrderView>),
  ),
  'payment.incident': event(
    'payment.incident',
    'WeChat and the ledger disagree, and a person must look',
    v.strictObject(incidentFields),
  ),
} satisfies Record<EventType, v.GenericSchema>

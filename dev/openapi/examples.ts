/**
 * A call of every method with its answer, in the order in which they can be made against `npm
 * start`: log in, order, pay, query, refund, ship. Between prepay and query a payment must be made,
 * and the order that is closed must be placed.
 */
import type { Caller } from './callers.ts'

export interface Example {
  /** The name among the examples of its method. */
  readonly name: string
  readonly summary: string
  readonly as?: Caller
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | string
  readonly status: number
  readonly answer: unknown
}

const PAYMENT = {
  appId: 'wx00000000demo0001',
  timeStamp: '1795147200',
  nonceStr: '5f3c8d1e0b7a4c6f9e2d1a0b3c4d5e6f',
  package: 'prepay_id=wx201120120000a1b2c3d4e5f6a7b8c90000',
  signType: 'HMAC-SHA256',
  paySign: '3F8A1C5D7E9B0A2C4D6E8F0A1B3C5D7E9F0A2B4C6D8E0F1A3B5C7D9E1F2A4B6C',
}

const ORDER = 'example-0001'
const PAYER = 'oDemo000000000000000000User1'
const terms = {
  outTradeNo: ORDER,
  totalFee: 2800,
  body: '拿铁',
  createdAt: '2026-11-20T12:00:00+08:00',
  timeExpire: '2026-11-20T14:00:00+08:00',
}
const paid = {
  ...terms,
  tradeState: 'SUCCESS',
  transactionId: '4200002500202611200000000001',
  paidAt: '2026-11-20T12:01:05+08:00',
}
const refund = {
  outRefundNo: 'example-0001-1',
  outTradeNo: ORDER,
  refundId: '50300002502026112000000000001',
  refundFee: 700,
  refundStatus: 'PROCESSING',
}
const complaint = {
  complaintId: '200201820261120100076610000',
  state: 'PROCESSING',
  complainedAt: '2026-11-20T12:10:00+08:00',
  replyBy: '2026-11-21T12:10:00+08:00',
  finishBy: '2026-11-23T12:10:00+08:00',
  outTradeNo: ORDER,
  transactionId: paid.transactionId,
  openid: PAYER,
  totalFee: 2800,
  problemType: 'OTHERS',
  isFullyRefunded: false,
  isReplyAwaited: false,
  times: 1,
  detail: '没有收到商品',
}
const loggedEvent = {
  id: 'evt_5f6f2833ce9d42dbb9ea282ac2666497',
  type: 'order.paid',
  outTradeNo: ORDER,
  createdAt: '2026-11-20T12:01:06+08:00',
  attempts: [{ at: '2026-11-20T12:01:07+08:00', code: 'delivered' }],
  data: { ...paid, openid: PAYER },
}
const incident = {
  id: 1,
  kind: 'amount',
  outTradeNo: ORDER,
  expected: { totalFee: 2800, feeType: 'CNY', transactionId: null },
  received: { totalFee: 1, feeType: 'CNY', transactionId: '4200002500202611200000000009' },
  source: 'notify',
  occurredAt: '2026-11-20T12:02:00+08:00',
}
const takings = {
  day: '2026-11-20',
  payments: { count: 41, totalFee: 114_800 },
  refunds: { count: 1, refundFee: 700 },
}
const bill = {
  day: '2026-11-20',
  outcome: 'compared',
  comparedAt: '2026-11-21T11:00:09+08:00',
  payments: takings.payments,
  refunds: takings.refunds,
  settled: 0,
}
const latte = { sku: 'latte', name: '拿铁', price: 2800 }

export const examples = {
  logIn: [
    {
      name: 'login',
      summary: 'A code of the developer tools without an appid, which only the local world takes',
      body: { code: 'the code is a mock one' },
      status: 200,
      answer: { token: '…', expiresIn: 86_400 },
    },
  ],
  identifyUser: [
    {
      name: 'owner',
      summary: 'Whose token is it?',
      as: 'user',
      status: 200,
      answer: { openid: PAYER, expiresIn: 86_399 },
    },
  ],
  saveProducts: [
    {
      name: 'latte',
      summary: 'One product',
      as: 'merchant',
      body: { products: [latte] },
      status: 200,
      answer: { products: [{ ...latte, active: true }] },
    },
  ],
  listProducts: [
    {
      name: 'catalogue',
      summary: 'What can be ordered',
      status: 200,
      answer: { products: [latte] },
    },
    {
      name: 'all',
      summary: 'Everything, for the merchant',
      as: 'merchant',
      status: 200,
      answer: { products: [{ ...latte, active: true }] },
    },
  ],
  placeOrder: [
    {
      name: 'basket',
      summary: 'A user orders two',
      as: 'user',
      headers: { 'idempotency-key': 'cart-1' },
      body: { items: [{ sku: 'latte', quantity: 2 }] },
      status: 201,
      answer: {
        ...terms,
        tradeState: 'NOTPAY',
        outTradeNo: '20261120120000a1b2c3d4e5f6a7b8c9',
        totalFee: 5600,
        items: [{ ...latte, quantity: 2 }],
      },
    },
    {
      name: 'with payment',
      summary: 'A user orders and opens the cashier',
      as: 'user',
      headers: { 'idempotency-key': 'cart-2' },
      body: { items: [{ sku: 'latte', quantity: 1 }], prepay: true },
      status: 201,
      answer: {
        order: {
          ...terms,
          tradeState: 'NOTPAY',
          outTradeNo: '20261120120000a1b2c3d4e5f6a7b8ca',
          totalFee: 2800,
          items: [{ ...latte, quantity: 1 }],
        },
        payment: PAYMENT,
      },
    },
    {
      name: 'priced',
      summary: 'The merchant names the price',
      as: 'merchant',
      body: { openid: PAYER, totalFee: 2800, body: '拿铁', outTradeNo: ORDER },
      status: 201,
      answer: { ...terms, tradeState: 'NOTPAY', openid: PAYER },
    },
  ],
  listOrders: [
    {
      name: 'unpaid',
      summary: 'The latest of a user’s orders that are not paid',
      as: 'user',
      query: { tradeState: 'NOTPAY', limit: '1' },
      status: 200,
      answer: { orders: [{ ...terms, tradeState: 'NOTPAY' }], nextCursor: 'ZXhhbXBsZS0wMDAx' },
    },
    {
      name: 'of a payer',
      summary: 'The orders of one payer since a time',
      as: 'merchant',
      query: { openid: PAYER, createdFrom: '2020-01-01T00:00:00+08:00' },
      status: 200,
      answer: { orders: [{ ...terms, tradeState: 'NOTPAY', openid: PAYER }] },
    },
  ],
  prepay: [
    {
      name: 'prepay',
      summary: 'The user is about to pay',
      as: 'user',
      body: { outTradeNo: ORDER },
      status: 200,
      answer: PAYMENT,
    },
  ],
  queryOrder: [
    {
      name: 'paid',
      summary: 'Is it paid?',
      as: 'user',
      query: { outTradeNo: ORDER },
      status: 200,
      answer: paid,
    },
  ],
  closeOrder: [
    {
      name: 'close',
      summary:
        'An order the user will not pay; to try it, place it as `priced` was, under this number',
      as: 'user',
      body: { outTradeNo: 'example-0002' },
      status: 200,
      answer: { ...terms, outTradeNo: 'example-0002', tradeState: 'CLOSED' },
    },
  ],
  refund: [
    {
      name: 'part',
      summary: 'A part of it',
      as: 'merchant',
      body: {
        outTradeNo: ORDER,
        outRefundNo: refund.outRefundNo,
        refundFee: 700,
        refundDesc: 'cold coffee',
      },
      status: 202,
      answer: refund,
    },
  ],
  queryRefund: [
    {
      name: 'refund',
      summary: 'What became of it',
      as: 'merchant',
      query: { outRefundNo: refund.outRefundNo },
      status: 200,
      answer: { ...refund, refundStatus: 'SUCCESS' },
    },
  ],
  ship: [
    {
      name: 'pickup',
      summary: 'The payer fetched it',
      as: 'merchant',
      body: { outTradeNo: ORDER, logisticsType: 'self_pickup', items: [{ itemDesc: '拿铁' }] },
      status: 200,
      answer: {
        outTradeNo: ORDER,
        logisticsType: 'self_pickup',
        shippingState: 'UPLOADED',
        isAllDelivered: true,
      },
    },
  ],
  queryShipping: [
    {
      name: 'shipped',
      summary: 'Does the payer have the goods?',
      as: 'user',
      query: { outTradeNo: ORDER },
      status: 200,
      answer: {
        ...paid,
        tradeState: 'REFUND',
        shippingState: 'UPLOADED',
        orderState: 'SHIPPED',
        shipment: {
          logisticsType: 'self_pickup',
          isAllDelivered: true,
          items: [{ itemDesc: '拿铁' }],
        },
      },
    },
    {
      name: 'frozen',
      summary: 'What still has to be shipped',
      as: 'merchant',
      query: { limit: '20' },
      status: 200,
      answer: { orders: [] },
    },
  ],
  listBills: [
    {
      name: 'days',
      summary: 'A day that differs, and one that agrees',
      as: 'merchant',
      query: { limit: '100' },
      status: 200,
      answer: {
        bills: [
          { ...bill, state: 'differs', differences: 1 },
          { ...bill, day: '2026-11-19', state: 'agrees', differences: 0 },
        ],
      },
    },
    {
      name: 'differences',
      summary: 'A payment that the ledger does not have',
      as: 'merchant',
      query: { day: '2026-11-20' },
      status: 200,
      answer: {
        bill: { ...bill, state: 'differs', differences: 1 },
        differences: [
          {
            kind: 'order',
            outTradeNo: ORDER,
            expected: {},
            received: {
              totalFee: 2800,
              feeType: 'CNY',
              transactionId: '4200002500202611200000000009',
            },
            incident: { id: 1 },
          },
        ],
      },
    },
  ],
  listComplaints: [
    {
      name: 'open',
      summary: 'The complaints that wait for the merchant',
      as: 'merchant',
      query: { state: 'PENDING,PROCESSING' },
      status: 200,
      answer: { complaints: [{ ...complaint, state: 'PENDING', isReplyAwaited: true }] },
    },
  ],
  actOnComplaint: [
    {
      name: 'reply',
      summary: 'The first reply, within 24 hours',
      as: 'merchant',
      body: {
        complaintId: complaint.complaintId,
        action: 'reply',
        content: '您好，已为您补发，请注意查收',
      },
      status: 200,
      answer: complaint,
    },
  ],
  listEvents: [
    {
      name: 'ofAnOrder',
      summary: 'The events of one order',
      as: 'merchant',
      query: { outTradeNo: ORDER },
      status: 200,
      answer: {
        events: [{ ...loggedEvent, state: 'delivered', deliveredAt: '2026-11-20T12:01:07+08:00' }],
      },
    },
  ],
  sendEvent: [
    {
      name: 'again',
      summary: 'Your system has lost the event',
      as: 'merchant',
      body: { id: loggedEvent.id },
      status: 202,
      answer: { ...loggedEvent, state: 'waiting', nextAttemptAt: '2026-11-21T09:30:00+08:00' },
    },
  ],
  listIncidents: [
    {
      name: 'open',
      summary: 'The incidents that wait for a person',
      as: 'merchant',
      query: { state: 'open' },
      status: 200,
      answer: { incidents: [incident] },
    },
  ],
  handleIncident: [
    {
      name: 'handled',
      summary: 'The cause is found',
      as: 'merchant',
      body: { id: 1, note: '同一商户号的旧系统，已在商户平台退款' },
      status: 200,
      answer: {
        ...incident,
        handledAt: '2026-11-21T09:35:00+08:00',
        note: '同一商户号的旧系统，已在商户平台退款',
      },
    },
  ],
  readHistory: [
    {
      name: 'one',
      summary: 'An order that was found by its notification',
      as: 'merchant',
      query: { outTradeNo: ORDER },
      status: 200,
      answer: {
        order: { ...paid, openid: PAYER },
        timeline: [
          { at: terms.createdAt, kind: 'placed', facts: { totalFee: 2800, openid: PAYER } },
          {
            at: paid.paidAt,
            kind: 'paid',
            facts: { transactionId: paid.transactionId, totalFee: 2800, bankType: 'OTHERS' },
          },
          { at: loggedEvent.createdAt, kind: 'payment_recorded', facts: { source: 'notify' } },
        ],
      },
    },
  ],
  overview: [
    {
      name: 'good',
      summary: 'A good day',
      as: 'merchant',
      status: 200,
      answer: {
        incidents: { count: 1, oldest: '2026-11-20T12:02:00+08:00' },
        parkedEvents: { count: 0 },
        shipments: { count: 0 },
        complaints: {
          unanswered: { count: 0 },
          unfinished: { count: 1, deadline: complaint.finishBy },
        },
        refunds: { count: 0, first: [] },
        bills: [{ day: '2026-11-19', outcome: 'compared', differences: 1 }],
        takings,
      },
    },
  ],
  search: [
    {
      name: 'byPayment',
      summary: 'A payer shows the number of the payment',
      as: 'merchant',
      body: { text: paid.transactionId },
      status: 200,
      answer: { orders: [{ ...paid, openid: PAYER }] },
    },
  ],
  listShipments: [
    {
      name: 'frozen',
      summary: 'The orders whose money is frozen',
      as: 'merchant',
      status: 200,
      answer: { orders: [] },
    },
  ],
  takings: [
    {
      name: 'twoDays',
      summary: 'Today and yesterday',
      as: 'merchant',
      query: { days: '2' },
      status: 200,
      answer: { days: [takings, { ...takings, day: '2026-11-19' }] },
    },
  ],
  handleNotification: [
    {
      name: 'forged',
      summary: 'The answer to any sender except WeChat',
      body: '<xml><return_code>SUCCESS</return_code><out_trade_no>example-0001</out_trade_no></xml>',
      status: 200,
      answer: { return_code: 'FAIL', return_msg: 'NOT TAKEN' },
    },
  ],
  checkPushAddress: [
    {
      name: 'otherToken',
      summary: 'The answer to any sender except WeChat',
      query: {
        signature: 'f464b24fc39322e44b38aa78f5edd27bd1441696',
        timestamp: '1714036504',
        nonce: '1514711492',
        echostr: '4375120948345356249',
      },
      status: 400,
      answer: 'not accepted',
    },
  ],
  sweep: [
    {
      name: 'cron',
      summary: 'An ordinary day',
      as: 'cron',
      status: 200,
      answer: { settled: 1, closed: 2, refunded: 0, delivered: 3, reconciled: 1 },
    },
  ],
  checkHealth: [
    {
      name: 'up',
      summary: 'All is well',
      status: 200,
      answer: { database: 'up', redis: 'up', wechat: 'up' },
    },
  ],
} as const satisfies Record<string, readonly Example[]>

/** Every function and method: its callers, its request, its answers, and an example. */
import type { answers } from './answers.ts'
import type { examples } from './examples.ts'
import type { Code } from './problems.ts'
import type { bodies, queries } from './requests.ts'
import type { Who } from './who.ts'

export type Method = 'get' | 'post' | 'put'

export interface Operation {
  readonly id: keyof typeof examples
  readonly summary: string
  readonly description?: string
  /** Empty: no token is needed. */
  readonly who: readonly Who[]
  /** The caller that sees more than others, if the call is open. */
  readonly seesMore?: Who
  /** JSON or a form. With several schemas: one of them. */
  readonly bodies?: readonly (keyof typeof bodies)[]
  readonly query?: keyof typeof queries
  readonly takesIdempotencyKey?: true
  readonly answers: Readonly<
    Record<number, readonly [schema: keyof typeof answers, description: string]>
  >
  /** In addition to those that follow from the other settings. */
  readonly codes: readonly Code[]
}

const database: readonly Code[] = ['unavailable', 'not_configured']
const wechat: readonly Code[] = [
  'wechat_misconfigured',
  'wechat_untrusted',
  'wechat_unknown',
  'wechat_busy',
  'wechat_refused',
]

/** Its own codes, and those that follow from its callers and its request. */
export const codesOf = ({ who, bodies, query, codes }: Operation): readonly Code[] => [
  'internal_error',
  ...(who.length === 0 ? [] : (['not_signed_in', 'wrong_token'] as const)),
  ...(bodies === undefined
    ? []
    : (['invalid_request', 'body_too_large', 'unsupported_media_type'] as const)),
  ...(query === undefined ? [] : (['invalid_request'] as const)),
  ...codes,
]

export const operations: Readonly<
  Record<`/api/${string}`, Readonly<Partial<Record<Method, Operation>>>>
> = {
  '/api/login': {
    post: {
      id: 'logIn',
      summary: 'A code of wx.login in, a token out',
      description:
        'Sent twice, the same request gets the same token. Proofs about the user (`rawData`, `encryptedData`) are checked or refused, never ignored.',
      who: [],
      bodies: ['LogInRequest'],
      answers: { 200: ['Session', 'Logged in'] },
      codes: [
        ...database,
        ...wechat,
        'invalid_user_data',
        'login_code_invalid',
        'login_code_used',
        'login_blocked',
        'too_many_requests',
      ],
    },
  },
  '/api/products': {
    get: {
      id: 'listProducts',
      summary: 'The catalogue',
      description:
        'The products that can be ordered. The merchant sees all products, each with `active`.',
      who: [],
      seesMore: 'merchant',
      answers: { 200: ['Products', 'The products, by sku'] },
      codes: [...database, 'invalid_request'],
    },
    put: {
      id: 'saveProducts',
      summary: 'Add or change products',
      description: 'Orders already placed keep the price and the name they were placed with.',
      who: ['merchant'],
      bodies: ['ProductsRequest'],
      answers: { 200: ['SavedProducts', 'As stored'] },
      codes: database,
    },
  },
  '/api/orders': {
    post: {
      id: 'placeOrder',
      summary: 'Place an order',
      description:
        'A user sends a basket, which the catalogue prices (`BasketRequest`); the merchant sends its own price (`PricedOrderRequest`).',
      who: ['user', 'merchant'],
      bodies: ['BasketRequest', 'PricedOrderRequest'],
      takesIdempotencyKey: true,
      answers: {
        200: [
          'Order',
          'The merchant sent this `outTradeNo` before, with the same content: the order as it is now',
        ],
        201: ['Order', 'Placed, or placed before under the same `Idempotency-Key`'],
      },
      codes: [...database, 'order_conflict', 'too_many_open_orders', 'too_many_requests'],
    },
    get: {
      id: 'listOrders',
      summary: 'Orders, newest first',
      description: 'A user sees their own, the merchant all.',
      who: ['user', 'merchant'],
      query: 'list',
      answers: { 200: ['OrderPage', 'One page'] },
      codes: database,
    },
  },
  '/api/prepay': {
    post: {
      id: 'prepay',
      summary: 'The argument of wx.requestPayment',
      description:
        'Asked again it is signed again, for the same payment: an order is placed at WeChat once.',
      who: ['user', 'merchant'],
      bodies: ['OrderRequest'],
      answers: { 200: ['PaymentArguments', 'To be handed to `wx.requestPayment` as it is'] },
      codes: [
        ...database,
        ...wechat,
        'order_not_found',
        'order_paid',
        'order_closed',
        'notice_contradicts',
        'too_many_requests',
      ],
    },
  },
  '/api/query': {
    get: {
      id: 'queryOrder',
      summary: 'One order, as WeChat and the ledger agree it is',
      description:
        'By exactly one of the two numbers. WeChat is asked while the order is not final. If the merchant asks about a payment of an order that is not here, the answer is `order_not_found`, and the payment is stored as an incident.',
      who: ['user', 'merchant'],
      query: 'order',
      answers: { 200: ['Order', 'The order'] },
      codes: [...database, ...wechat, 'order_not_found', 'notice_contradicts'],
    },
  },
  '/api/close': {
    post: {
      id: 'closeOrder',
      summary: 'Close an unpaid order',
      description:
        'One that turns out to be paid is settled instead and answers `order_paid`. WeChat’s word wins later, too: a closed order may still turn out paid.',
      who: ['user', 'merchant'],
      bodies: ['OrderRequest'],
      answers: { 200: ['UnpaidOrder', 'Closed'] },
      codes: [...database, ...wechat, 'order_not_found', 'order_paid', 'notice_contradicts'],
    },
  },
  '/api/refund': {
    post: {
      id: 'refund',
      summary: 'Give money back, wholly or in part',
      description:
        'Safe to repeat under the same `outRefundNo`. What became of it is told by a webhook, or by asking.',
      who: ['merchant'],
      bodies: ['RefundRequest'],
      answers: { 202: ['Refund', 'Asked for; WeChat pays it out in its own time'] },
      codes: [
        ...database,
        ...wechat,
        'order_not_found',
        'order_not_paid',
        'notice_contradicts',
        'refund_conflict',
        'refund_too_much',
        'refund_refused',
      ],
    },
    get: {
      id: 'queryRefund',
      summary: 'One refund',
      description:
        'WeChat is asked while it is not final. A user sees refunds of their own orders.',
      who: ['user', 'merchant'],
      query: 'refund',
      answers: { 200: ['Refund', 'The refund'] },
      codes: [...database, ...wechat, 'refund_not_found', 'notice_contradicts'],
    },
  },
  '/api/shipping': {
    post: {
      id: 'ship',
      summary: 'Tell WeChat that the goods are on their way',
      description:
        'WeChat’s order and shipping management. A report that WeChat does not accept is sent again automatically for a week. After that week, or when WeChat refuses for good, the event `shipping.failed` is sent.',
      who: ['merchant'],
      bodies: ['ShippingRequest'],
      answers: { 200: ['Shipment', 'Kept; `shippingState` says whether WeChat has it'] },
      codes: [...database, ...wechat, 'order_not_found', 'order_not_paid', 'shipping_refused'],
    },
  },
  '/api/cron': {
    get: {
      id: 'sweep',
      summary: 'What nobody reported',
      description:
        'Settles what was paid, closes what has expired, ships and delivers what is due, compares the bills of past days. Harmless to run twice at once.',
      who: ['cron'],
      query: 'cron',
      answers: { 200: ['Swept', 'What it did; `bill` only where one was asked for'] },
      codes: [...database, ...wechat, 'bill_busy', 'bill_not_ready', 'too_slow'],
    },
  },
  '/api/health': {
    get: {
      id: 'checkHealth',
      summary: 'Each dependency, up or down',
      description:
        'An answer is repeated for five seconds. One address may call sixty times a minute.',
      who: [],
      answers: { 200: ['AllUp', 'All are up'], 503: ['SomeDown', 'At least one is down'] },
      codes: ['too_many_requests'],
    },
  },
}

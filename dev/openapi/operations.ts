/** Every function and method: its callers, its request, its answers, and an example. */
import type { answers } from './answers.ts'
import type { examples } from './examples.ts'
import type { Code } from './problems.ts'
import type { bodies, queries } from './requests.ts'
import type { Caller } from './callers.ts'

export type Method = 'get' | 'post' | 'put'

export interface Operation {
  readonly id: keyof typeof examples
  readonly summary: string
  readonly description?: string
  /** Empty: no token is needed. */
  readonly who: readonly Caller[]
  /** The caller that sees more than others, if the call is open. */
  readonly seesMore?: Caller
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
    get: {
      id: 'identifyUser',
      summary: 'Whose token is it?',
      description:
        'For your own server: send a token that a Mini Program passed to you, and learn which user has it.',
      who: ['user'],
      answers: { 200: ['TokenOwner', 'The user, and the rest of the token’s life'] },
      codes: ['not_configured', 'invalid_request'],
    },
    post: {
      id: 'logIn',
      summary: 'Log in with a code of wx.login, or learn the phone number',
      description:
        'A repeated request gets the same token. Proofs about the user (`rawData`, `encryptedData`) are checked or refused, never ignored. With `phoneCode`, the code of `<button open-type="getPhoneNumber">`, the answer has the user’s phone number, which is stored. A user with a token sends `phoneCode` alone (`PhoneRequest`), and keeps the token.',
      who: [],
      bodies: ['LogInRequest', 'PhoneRequest'],
      answers: { 200: ['Session', 'Logged in'] },
      codes: [
        ...database,
        ...wechat,
        'invalid_user_data',
        'login_code_invalid',
        'login_code_used',
        'login_blocked',
        'phone_code_invalid',
        'not_signed_in',
        'wrong_token',
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
      description: 'Existing orders keep the price and the name with which they were placed.',
      who: ['merchant'],
      bodies: ['ProductsRequest'],
      answers: { 200: ['SavedProducts', 'The products as stored'] },
      codes: database,
    },
  },
  '/api/orders': {
    post: {
      id: 'placeOrder',
      summary: 'Place an order',
      description:
        'A user sends a basket, and the catalogue sets its price (`BasketRequest`). The merchant sends its own price (`PricedOrderRequest`). With `prepay` the answer is `order` and `payment`. If WeChat cannot be asked or refuses, `payment` is null with the `problem`, and the order is placed nevertheless: call `/api/prepay` for it.',
      who: ['user', 'merchant'],
      bodies: ['BasketRequest', 'PricedOrderRequest'],
      takesIdempotencyKey: true,
      answers: {
        200: [
          'PlacedOrder',
          'The merchant sent this `outTradeNo` before with the same content. The order in its current state',
        ],
        201: ['PlacedOrder', 'Placed, or placed before under the same `Idempotency-Key`'],
      },
      codes: [...database, 'order_conflict', 'too_many_open_orders', 'too_many_requests'],
    },
    get: {
      id: 'listOrders',
      summary: 'Orders, newest first',
      description:
        'A user sees their own orders, and the merchant all orders, or those of one payer or one period.',
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
        'A repeated call signs the argument again, for the same payment. An order is placed at WeChat once.',
      who: ['user', 'merchant'],
      bodies: ['OrderRequest'],
      answers: { 200: ['PaymentArguments', 'Pass it to `wx.requestPayment` unchanged'] },
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
      summary: 'One order, as WeChat and the ledger agree',
      description:
        'Give exactly one of the two numbers. WeChat is queried while the order is not final. If the merchant queries a payment of an order that is not here, the answer is `order_not_found`, and the payment is stored as an incident.',
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
        'If WeChat says that the order is paid, it is settled instead, and the answer is `order_paid`. WeChat’s answer also takes precedence later: a closed order may still become paid.',
      who: ['user', 'merchant'],
      bodies: ['OrderRequest'],
      answers: { 200: ['UnpaidOrder', 'Closed'] },
      codes: [...database, ...wechat, 'order_not_found', 'order_paid', 'notice_contradicts'],
    },
  },
  '/api/refund': {
    post: {
      id: 'refund',
      summary: 'Refund an order in full or in part',
      description:
        'Safe to repeat under the same `outRefundNo`. A webhook event reports the outcome, and a query returns it. If a refund is `CHANGE`, send its request again with `payout`: the refund becomes PROCESSING, and its outcome is reported like any other.',
      who: ['merchant'],
      bodies: ['RefundRequest'],
      answers: { 202: ['Refund', 'The refund. WeChat pays it out later'] },
      codes: [
        ...database,
        ...wechat,
        'order_not_found',
        'order_not_paid',
        'notice_contradicts',
        'refund_conflict',
        'refund_too_much',
        'refund_refused',
        'refund_not_found',
        'payout_not_possible',
        'payout_in_console_only',
        'payout_refused',
      ],
    },
    get: {
      id: 'queryRefund',
      summary: 'One refund, or all refunds of an order',
      description:
        'WeChat is queried while the refund is not final. A user sees refunds of their own orders. For the merchant, the refunds of an order include those made in the merchant console.',
      who: ['user', 'merchant'],
      query: 'refund',
      answers: { 200: ['RefundOrList', 'The refund, or `refunds`, oldest first'] },
      codes: [...database, ...wechat, 'refund_not_found', 'order_not_found', 'notice_contradicts'],
    },
  },
  '/api/shipping': {
    post: {
      id: 'ship',
      summary: 'Report a shipment to WeChat, or its delivery',
      description:
        'For WeChat’s order and shipping management. With `isAllDelivered: false`, the parcels are added to the earlier ones, until a request without it has the last parcel. A report that WeChat does not accept is sent again automatically for a week. After that week, or when WeChat refuses for good, the event `shipping.failed` is sent. If WeChat has a shipment already and accepts no other, the order keeps that one, and the answer is 409 `shipping_refused`. `receivedAt` says when the carrier delivered an express order. WeChat then asks the payer to confirm the receipt.',
      who: ['merchant'],
      bodies: ['ShippingRequest', 'ReceiptRequest'],
      answers: {
        200: [
          'ShipmentOrReceipt',
          'The shipment as stored: `shippingState` says whether WeChat has it. Or the receipt',
        ],
      },
      codes: [
        ...database,
        ...wechat,
        'order_not_found',
        'order_not_paid',
        'shipping_complete',
        'shipping_corrected',
        'shipping_refused',
      ],
    },
    get: {
      id: 'queryShipping',
      summary: 'How far an order is, or what waits to be shipped',
      description:
        'With `outTradeNo`: the state of a paid order in WeChat’s order and shipping management, which is asked first. Without it, for the merchant: the paid orders that WeChat refused to ship or that are not shipped in time, newest first. Their money is frozen.',
      who: ['user', 'merchant'],
      query: 'shipping',
      answers: { 200: ['ShippingOrList', 'The order, or `orders`'] },
      codes: [...database, ...wechat, 'order_not_found', 'order_not_paid', 'too_many_requests'],
    },
  },
  '/api/console/bills': {
    get: {
      id: 'listBills',
      summary: 'The bills by day, or the differences of one day',
      description:
        'Without `day`: the days whose bill is ready, newest first, from the first order on. With `day`: the differences of its last comparison, in the order in which they were found, at most 50,000. A bill is compared the next morning, and again by `GET /api/cron?bill=`.',
      who: ['merchant'],
      query: 'bills',
      answers: { 200: ['BillsOrDifferences', 'One page'] },
      codes: [...database, 'part_not_found'],
    },
  },
  '/api/console/complaints': {
    get: {
      id: 'listComplaints',
      summary: 'Complaints of payers, or one with its history',
      description:
        'Without `id`: the stored complaints, newest first. With `id`: WeChat is asked, and the stored complaint is updated. Complaints need the settings of APIv3, whatever the protocol of the orders is.',
      who: ['merchant'],
      query: 'complaints',
      answers: { 200: ['ComplaintOrPage', 'One page, or the complaint'] },
      codes: [...database, ...wechat, 'complaint_not_found', 'part_not_found'],
    },
    post: {
      id: 'actOnComplaint',
      summary: 'Reply to a complaint, finish it, or decide about its refund',
      description:
        'Safe to repeat: an action that WeChat has received since the payer last wrote is not sent again. If WeChat’s answer is lost, further actions get `complaint_busy` for a minute.',
      who: ['merchant'],
      bodies: ['ComplaintRequest'],
      answers: { 200: ['Complaint', 'The complaint after the action'] },
      codes: [
        ...database,
        ...wechat,
        'complaint_not_found',
        'complaint_busy',
        'complaint_refused',
        'part_not_found',
      ],
    },
  },
  '/api/console/events': {
    get: {
      id: 'listEvents',
      summary: 'The events of the webhook, with each attempt',
      description: 'Newest first. Attempts before version 0.2.0 are not listed.',
      who: ['merchant'],
      query: 'events',
      answers: { 200: ['EventPage', 'One page'] },
      codes: [...database, 'part_not_found'],
    },
    post: {
      id: 'sendEvent',
      summary: 'Send an event again',
      description:
        'Under the same `webhook-id`, also if it was delivered or given up. Its attempts begin again, and later events of the order wait for it. An attempt that is under way counts, if it succeeds.',
      who: ['merchant'],
      bodies: ['SendEventRequest'],
      answers: { 202: ['LoggedEvent', 'The event, which is sent after the answer'] },
      codes: [...database, 'event_not_found', 'part_not_found'],
    },
  },
  '/api/console/incidents': {
    get: {
      id: 'listIncidents',
      summary: 'Contradictions between WeChat and the ledger',
      description: 'Newest first.',
      who: ['merchant'],
      query: 'incidents',
      answers: { 200: ['IncidentPage', 'One page'] },
      codes: [...database, 'part_not_found'],
    },
    post: {
      id: 'handleIncident',
      summary: 'Mark an incident as handled',
      description:
        'The incident and its note are kept. The same note again changes nothing, and another note is refused.',
      who: ['merchant'],
      bodies: ['HandleIncidentRequest'],
      answers: { 200: ['StoredIncident', 'The incident'] },
      codes: [...database, 'incident_not_found', 'incident_handled', 'part_not_found'],
    },
  },
  '/api/console/orders': {
    get: {
      id: 'readHistory',
      summary: 'The history of one order',
      description:
        'Everything that is stored about it, as a timeline, oldest first, at most 2,000 entries. WeChat is not asked.',
      who: ['merchant'],
      query: 'historyOf',
      answers: { 200: ['OrderHistory', 'The order and its timeline'] },
      codes: [...database, 'order_not_found', 'part_not_found'],
    },
  },
  '/api/console/overview': {
    get: {
      id: 'overview',
      summary: 'What waits for a person, and the takings of today',
      description:
        'The lists behind the counts are other parts of the console. `bills` has the days whose bill differs, or is ready but not compared. It covers the last 90 days only, because WeChat offers a bill for three months. A day that differs is left out once every incident of its differences is handled.',
      who: ['merchant'],
      answers: { 200: ['Overview', 'The counts and the takings'] },
      codes: [...database, 'invalid_request', 'part_not_found'],
    },
  },
  '/api/console/search': {
    post: {
      id: 'search',
      summary: 'Orders by a number, an openid or a phone number',
      description:
        'Newest first. The whole text must be the `outTradeNo`, the `transactionId`, the `outRefundNo` or the `refundId` of the order, or the openid or the phone number of its payer. It travels in the body, so that no log of addresses has it.',
      who: ['merchant'],
      bodies: ['SearchRequest'],
      answers: { 200: ['OrderPage', 'One page'] },
      codes: [...database, 'part_not_found'],
    },
  },
  '/api/console/shipments': {
    get: {
      id: 'listShipments',
      summary: 'Paid orders that WeChat refused to ship or that are not shipped in time',
      description: 'Newest first, as `GET /api/shipping` without `outTradeNo`.',
      who: ['merchant'],
      query: 'shipments',
      answers: { 200: ['ShipmentPage', 'One page'] },
      codes: [...database, 'part_not_found'],
    },
  },
  '/api/console/takings': {
    get: {
      id: 'takings',
      summary: 'Payments and refunds by day',
      description:
        'Days in Beijing, newest first. The first one is today. A payment counts on the day that WeChat names. A refund counts on the day on which the shop learned that WeChat accepted it. A refund that was made in WeChat’s own console counts on the day on which the shop learned of it. A refund that WeChat closed does not count.',
      who: ['merchant'],
      query: 'takings',
      answers: { 200: ['TakingsByDay', 'One entry for each day'] },
      codes: [...database, 'part_not_found'],
    },
  },
  '/api/cron': {
    get: {
      id: 'sweep',
      summary: 'Do the work that is due',
      description:
        'Settles paid orders, closes expired ones, reports due shipments, asks WeChat which orders are settled, delivers due events, and compares the bills of past days. Two runs at the same time are harmless.',
      who: ['cron'],
      query: 'cron',
      answers: { 200: ['Swept', 'The work that was done. `bill` only if the request names a day'] },
      codes: [...database, ...wechat, 'bill_busy', 'bill_not_ready', 'too_slow'],
    },
  },
  '/api/health': {
    get: {
      id: 'checkHealth',
      summary: 'The state of each dependency',
      description:
        'An answer is repeated for five seconds. One address may call sixty times a minute.',
      who: [],
      answers: { 200: ['AllUp', 'All are up'], 503: ['SomeDown', 'At least one is down'] },
      codes: ['too_many_requests'],
    },
  },
}

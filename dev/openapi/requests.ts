/** The requests, from the schemas that the functions check, with a description for each field. */
import type { JsonSchema } from '@valibot/to-json-schema'
import * as requests from '../../lib/http/requests.ts'
import { toParameters, toRequest } from './convert.ts'

const ORDER = { outTradeNo: 'Which order' }

/** Described in words, because `shippingRequest` checks it across several fields. */
const expressOrOne: JsonSchema = {
  if: { properties: { logisticsType: { enum: ['express', 1] } } },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { properties: { items: { items: { required: ['trackingNo', 'expressCompany'] } } } },
  else: { properties: { items: { maxItems: 1 } } },
}

/** By their names among the components. */
export const bodies = {
  LogInRequest: toRequest(requests.loginRequest, {
    code: 'What `wx.login` gave. Good once, for five minutes',
    nickname: 'Stored with the user, unchanged',
    avatarUrl: 'Stored with the user, unchanged',
    rawData: 'Of `wx.getUserProfile` or `wx.getUserInfo`, as it came; checked with `signature`',
    signature: 'Comes with `rawData`',
    encryptedData: 'Opened with `iv`; must be this user’s, of this Mini Program',
    iv: 'Comes with `encryptedData`',
  }),
  BasketRequest: toRequest(requests.basketRequest, {
    items: 'What is bought. The catalogue says what it costs; a price is refused',
    'items.sku': 'As in the catalogue',
    'items.quantity': 'How many',
    attach: 'Comes back with the order, exactly as it was sent',
  }),
  PricedOrderRequest: toRequest(requests.pricedRequest, {
    openid: 'The payer, as this Mini Program knows them',
    totalFee: 'What is to be paid',
    body: 'What the payer sees; cut at 127 bytes',
    outTradeNo:
      'Your own number; without one the server makes it. The same number with the same content is the same order',
    attach: 'Comes back with the order, exactly as it was sent',
    timeExpire: 'From 5 minutes to 7 days from now; two hours unless given',
  }),
  OrderRequest: toRequest(requests.orderRequest, ORDER),
  ProductsRequest: toRequest(requests.productsRequest, {
    products: 'Added, or changed where the sku is known; others stay',
    'products.sku': 'Your own number of it',
    'products.name': 'What the payer sees; cut at 100 bytes',
    'products.price': 'Of one',
    'products.active': 'Whether it can be ordered',
  }),
  RefundRequest: toRequest(requests.refundRequest, {
    ...ORDER,
    outRefundNo: 'Your own number: the same number is the same refund, never a second one',
    refundFee: 'What is given back; all refunds of an order together never exceed what was paid',
    refundDesc: 'Why, for the payer; cut at 80 bytes',
  }),
  ShippingRequest: {
    ...toRequest(requests.shippingRequest, {
      ...ORDER,
      logisticsType: 'How the goods reach the payer, or WeChat’s number of it',
      items: 'The parcels; one, but for `express`',
      'items.itemDesc': 'What is in it',
      'items.trackingNo': 'Needed for `express`',
      'items.expressCompany': 'WeChat’s own id of the delivery company; needed for `express`',
      'items.contact': 'Masked phone numbers, which one company demands',
      'items.contact.consignorContact': 'Of the sender',
      'items.contact.receiverContact': 'Of the receiver',
    }),
    ...expressOrOne,
  },
} as const

export const queries = {
  list: toParameters(requests.listRequest, {
    tradeState:
      'Only orders in these states. `SUCCESS,REFUND` gives all paid orders: the first refund that WeChat accepts, even of one fen, moves an order from SUCCESS to REFUND',
    cursor: 'The `nextCursor` of the page before',
    limit: 'Orders on a page',
  }),
  order: toParameters(requests.queryRequest, {
    outTradeNo: 'Either this or `transactionId`',
    transactionId: 'WeChat’s number of the payment. Either this or `outTradeNo`',
  }),
  refund: toParameters(requests.refundQuery, { outRefundNo: 'Which refund' }),
  cron: toParameters(requests.cronRequest, {
    bill: 'Compares the bill of this day again, and does nothing else. In Beijing it must be over, and no older than three months',
  }),
} as const

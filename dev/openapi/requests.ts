/** The requests, from the schemas that the functions check, with a description for each field. */
import type { JsonSchema } from '@valibot/to-json-schema'
import { billsQuery } from '../../lib/http/console-bills.ts'
import {
  eventsQuery,
  handleIncidentRequest,
  incidentsQuery,
  searchRequest,
  sendEventRequest,
  shipmentsQuery,
  takingsQuery,
} from '../../lib/http/console-lists.ts'
import { complaintRequest, complaintsQuery } from '../../lib/http/console-requests.ts'
import { merchantListRequest } from '../../lib/http/list-request.ts'
import * as requests from '../../lib/http/requests.ts'
import {
  MASKED_PHONE,
  merchantShippingQuery,
  NEEDS_CONTACT,
  receiptRequest,
  shippingRequest,
} from '../../lib/http/shipping-requests.ts'
import { toParameters, toRequest } from './convert.ts'

const ORDER = { outTradeNo: 'The order' }

/** Described in words, because `shippingRequest` checks it across several fields. */
const EXPRESS = { enum: ['express', 1] }
const expressOrOne: JsonSchema = {
  anyOf: [
    {
      properties: {
        logisticsType: EXPRESS,
        items: { items: { required: ['trackingNo', 'expressCompany'] } },
      },
    },
    {
      properties: {
        logisticsType: { not: EXPRESS },
        items: { maxItems: 1 },
        isAllDelivered: { const: true },
      },
    },
  ],
}

const maskedContact = (name: string): JsonSchema => ({
  required: [name],
  properties: { [name]: { pattern: MASKED_PHONE.source } },
})
const contactOfSf: JsonSchema = {
  properties: {
    items: {
      items: {
        anyOf: [
          { properties: { expressCompany: { not: { const: NEEDS_CONTACT } } } },
          {
            required: ['contact'],
            properties: {
              contact: {
                anyOf: [maskedContact('consignorContact'), maskedContact('receiverContact')],
              },
            },
          },
        ],
      },
    },
  },
}

const PREPAY =
  'True: the answer also has the argument of `wx.requestPayment`, as `payment`, without a second call'

/** By their names among the components. */
export const bodies = {
  LogInRequest: toRequest(requests.loginRequest, {
    code: 'The code of `wx.login`. Valid once, for five minutes',
    phoneCode: 'The code of the phone number button. Valid once, for five minutes',
    nickname: 'Stored with the user, unchanged',
    avatarUrl: 'Stored with the user, unchanged',
    rawData: 'From `wx.getUserProfile` or `wx.getUserInfo`, unchanged. Checked with `signature`',
    signature: 'Required with `rawData`',
    encryptedData: 'Decrypted with `iv`. It must belong to this user and this Mini Program',
    iv: 'Required with `encryptedData`',
  }),
  PhoneRequest: toRequest(requests.phoneRequest, {
    phoneCode: 'The code of the phone number button. Valid once, for five minutes',
  }),
  BasketRequest: toRequest(requests.basketRequest, {
    items:
      'The items of the basket. The catalogue sets the price, and a field with a price is refused',
    'items.sku': 'The number of the product in the catalogue',
    'items.quantity': 'The quantity',
    attach: 'Returned with the order, exactly as it was sent',
    prepay: PREPAY,
  }),
  PricedOrderRequest: toRequest(requests.pricedRequest, {
    openid: 'The payer’s openid for this Mini Program',
    totalFee: 'The amount to pay',
    body: 'The description that the payer sees, cut at 127 bytes',
    outTradeNo:
      'Your own number. Without one the server creates it. The same number with the same content is the same order',
    attach: 'Returned with the order, exactly as it was sent',
    timeExpire: 'From 5 minutes to 7 days from now. The default is two hours',
    prepay: PREPAY,
  }),
  OrderRequest: toRequest(requests.orderRequest, ORDER),
  ProductsRequest: toRequest(requests.productsRequest, {
    products:
      'A product with a new sku is added, one with a known sku is changed, and all others stay',
    'products.sku': 'Your own number of the product',
    'products.name': 'The name that the payer sees, cut at 100 bytes',
    'products.price': 'The price of one',
    'products.active': 'Whether payers can order it',
  }),
  RefundRequest: toRequest(requests.refundRequest, {
    ...ORDER,
    outRefundNo: 'Your own number. The same number is the same refund, never a second one',
    refundFee: 'The amount to refund. All refunds of an order together never exceed the payment',
    refundDesc: 'The reason that the payer sees, cut at 80 bytes',
    payout:
      'Only for a refund in `CHANGE` of an order that was placed with APIv3: where the money goes instead. Account and name are encrypted for WeChat, and are not stored',
    'payout.type':
      '`user_bank_card`: a debit card of the payer. `merchant_bank_card`: your own bank account, from which you pay the payer by other means',
    'payout.bankType':
      'WeChat’s code of the bank. WeChat names CMB, COMM, ABC, CCB, ICBC, BOC, PAB, SPDB, CITIC, CEB, CMBC, CIB, GDB, PSBC and NBCB, each with `_DEBIT`',
    'payout.bankAccount': 'The number of the card',
    'payout.realName': 'The name of the card’s holder',
  }),
  ComplaintRequest: toRequest(complaintRequest, {
    complaintId: 'The complaint',
    action:
      '`reply`: the payer sees `content`. `finish`: the complaint is settled. `refund`: the decision about the refund that the payer applies for',
    content: 'The reply, cut at 200 characters',
    decision:
      '`approve`: you will refund; make the refund with `POST /api/refund` as well. `reject`: you will not, for the `reason`',
    refundInDays: 'When you will refund, in working days from now. 0 is today',
    reason: 'The reason that the payer sees',
  }),
  HandleIncidentRequest: toRequest(handleIncidentRequest, {
    id: 'The incident',
    note: 'The cause, and the remedy. It is kept, so it should not name the payer',
  }),
  SearchRequest: toRequest(searchRequest, {
    text: 'The number, the openid or the phone number. `+86`, blanks and hyphens in a phone number do not matter',
    cursor: 'The `nextCursor` of the previous page, with the same text',
    limit: 'The number of orders on a page',
  }),
  SendEventRequest: toRequest(sendEventRequest, { id: 'The event' }),
  ShippingRequest: {
    ...toRequest(shippingRequest, {
      ...ORDER,
      logisticsType: 'How the goods reach the payer, as a word or as WeChat’s number for it',
      items:
        'The parcels. Only `express` may have several: 15 in all. While parcels follow, only those that are new',
      isAllDelivered:
        'False: further parcels follow in later requests. After true, a request with other content corrects the report, which WeChat allows once',
      'items.itemDesc': 'The content of the parcel',
      'items.trackingNo': 'Required for `express`',
      'items.expressCompany': 'WeChat’s id of the delivery company. Required for `express`',
      'items.contact':
        'Phone numbers, masked except for the last four digits. `SF` requires one of them',
      'items.contact.consignorContact': 'The number of the sender',
      'items.contact.receiverContact': 'The number of the receiver',
    }),
    allOf: [expressOrOne, contactOfSf],
  },
  ReceiptRequest: toRequest(receiptRequest, {
    ...ORDER,
    receivedAt: 'When the carrier delivered the order. Later than the shipment',
  }),
} as const

export const queries = {
  list: toParameters(merchantListRequest, {
    tradeState:
      'Only orders in these states. `SUCCESS,REFUND` lists all paid orders, because the first refund that WeChat accepts, even of one fen, moves an order from SUCCESS to REFUND',
    openid: 'Only for the merchant: the orders of this payer',
    createdFrom: 'Only for the merchant: the orders placed at this time or later',
    createdTo:
      'Only for the merchant: the orders placed before this time. With one of the two, the list is sorted by `createdAt`',
    cursor:
      'The `nextCursor` of the previous page. It continues only the list that it came from, with the same filters',
    limit: 'The number of orders on a page',
  }),
  order: toParameters(requests.queryRequest, {
    outTradeNo: 'Give either this or `transactionId`',
    transactionId: 'WeChat’s number of the payment. Give either this or `outTradeNo`',
  }),
  refund: toParameters(requests.refundQuery, {
    outRefundNo: 'The refund. Give either this or `outTradeNo`',
    outTradeNo: 'All refunds of this order',
  }),
  shipping: toParameters(merchantShippingQuery, {
    outTradeNo: 'The order. Payers must give it',
    cursor: 'Without `outTradeNo`: the `nextCursor` of the previous page',
    limit: 'Without `outTradeNo`: the number of orders on a page, 20 by default',
  }),
  bills: toParameters(billsQuery, {
    day: 'The differences of this day',
    cursor:
      'The `nextCursor` of the previous page. It is refused after a new comparison of the day',
    limit: 'The number of days or differences on a page',
  }),
  complaints: toParameters(complaintsQuery, {
    id: 'One complaint, with its history at WeChat',
    phone: 'With `id`: 1 adds the payer’s phone number. It is decrypted for this answer only',
    state: 'Without `id`: only complaints in these states',
    cursor: 'Without `id`: the `nextCursor` of the previous page, with the same states',
    limit: 'Without `id`: the number of complaints on a page. The default is 20',
  }),
  incidents: toParameters(incidentsQuery, {
    state: 'Only incidents that are open, or only those that were handled',
    from: 'Only incidents at this time or later',
    to: 'Only incidents before this time. With one of the two, the list is sorted by `occurredAt`',
    cursor: 'The `nextCursor` of the previous page, with the same filters',
    limit: 'The number of incidents on a page',
  }),
  events: toParameters(eventsQuery, {
    state: '`undelivered`: only events that wait or were given up. `parked`: only those given up',
    outTradeNo: 'Only the events of this order',
    from: 'Only events stored at this time or later',
    to: 'Only events stored before this time. With one of the two, the list is sorted by `createdAt`',
    cursor: 'The `nextCursor` of the previous page, with the same filters',
    limit: 'The number of events on a page',
  }),
  historyOf: toParameters(requests.orderRequest, ORDER),
  shipments: toParameters(shipmentsQuery, {
    cursor: 'The `nextCursor` of the previous page',
    limit: 'The number of orders on a page',
  }),
  takings: toParameters(takingsQuery, { days: 'The number of days, with today' }),
  cron: toParameters(requests.cronRequest, {
    bill: 'Compares the bill of this day again, and does nothing else. The day must be over in Beijing, and at most three months old',
  }),
} as const

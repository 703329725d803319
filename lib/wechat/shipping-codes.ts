/**
 * The meaning of each error code of `upload_shipping_info`, and what a person does.
 *
 * Only a code that WeChat documents as permanent is `never`. The payment stays frozen until WeChat
 * has the shipment, so giving up too early leaves money frozen.
 */
import type { UploadAnswer } from '../ports.ts'
import { SECRET_WRONG } from './login.ts'

/** `already`: WeChat has a shipment of this order, either this one or another. */
export interface ShippingRefusal extends Refusal {
  readonly code: string
  /** WeChat's own text, cleaned. It may be empty. */
  readonly text: string
}

interface Refusal {
  readonly outcome: Exclude<UploadAnswer['outcome'], 'uploaded'>
  readonly remedy: string
}

const later = (remedy: string): Refusal => ({ outcome: 'later', remedy })
const never = (remedy: string): Refusal => ({ outcome: 'never', remedy })
const already = (remedy: string): Refusal => ({ outcome: 'already', remedy })
const badToken: Refusal = {
  outcome: 'token_refused',
  remedy: 'WeChat does not accept the access token; it is sent again automatically',
}

/**
 * A code that is not in the table says nothing about the next attempt, so the shipment is retried
 * for a week.
 */
export const UNKNOWN_CODE: Refusal = later(
  'this code is not known here: look it up in WeChat’s documentation of order shipping; it is sent again automatically',
)

const UNKNOWN_PAYMENT =
  'WeChat does not know the payment yet; it is sent again automatically. If this does not change, the merchant number was authorised after the order, or the order belongs to another Mini Program'
const ORDER_KEY =
  'WeChat could not tell which order is meant: compare its transactionId with the merchant console'
const KEPT = 'WeChat keeps the shipment that it has: GET /api/shipping shows it'
const BAD_DATA =
  'a field of the shipment is missing or malformed: correct it and send the shipment again'

const table: ReadonlyMap<number, Refusal> = new Map([
  [-1, later('WeChat was busy; it is sent again automatically')],
  [10060012, later('WeChat was busy; it is sent again automatically')],
  [10060019, later('WeChat was busy; it is sent again automatically')],
  [45009, later('the daily quota of this call is used up; it is sent again automatically')],
  [44990, later('too many calls at the same time; it is sent again automatically')],
  [
    45011,
    later('the quota of this call for one minute is used up; it is sent again automatically'),
  ],
  [40001, badToken],
  [40014, badToken],
  [41001, badToken],
  [42001, badToken],
  [10060001, later(UNKNOWN_PAYMENT)],
  [10060002, already(`the order is shipped already, and ${KEPT}`)],
  [10060003, already(`the one change that WeChat allows after shipping is used up, and ${KEPT}`)],
  [
    10060004,
    never(
      'the order cannot be shipped in its present state, for instance because it was refunded: look at it in the Mini Program console',
    ),
  ],
  [10060005, never(BAD_DATA)],
  [10060006, never('only express shipments may be split over several parcels')],
  [10060007, never('a split shipment must say whether it is complete')],
  [10060013, never('a combined order names one of its parts twice')],
  [10060008, never('a parcel has no description')],
  [10060009, never('a description is longer than 120 characters')],
  [10060014, never(BAD_DATA)],
  [10060020, never('a parcel has no description')],
  [10060024, never('there are too many parcels')],
  [10060025, never('the delivery company is longer than WeChat takes')],
  [10060026, never('the tracking number is longer than WeChat takes')],
  [10060031, never('the order does not belong to this payer: it was placed under another appid')],
  [268485226, never('an express parcel needs its tracking number')],
  [268485227, never('an express parcel needs its delivery company, by WeChat’s own id')],
  [268485194, never(ORDER_KEY)],
  [268485195, never(ORDER_KEY)],
  [268485196, never(ORDER_KEY)],
  [268485197, never(ORDER_KEY)],
  [
    268485216,
    later(
      'an earlier report of this order has a later time; it is sent again automatically, with its new time',
    ),
  ],
  [268485224, never('WeChat knows unified and split delivery, and this was neither')],
  [268485228, never('all but split express shipments have exactly one parcel')],
  [268485253, never('a combined order and its parts are named in different ways')],
  [
    40013,
    later(
      'WeChat does not know WECHAT_APPID: compare it in the Mini Program console; it is sent again automatically',
    ),
  ],
  [40125, later(`${SECRET_WRONG}; it is sent again automatically`)],
  [
    40164,
    later(
      'the Mini Program only takes calls from listed addresses: switch its IP allow-list off; it is sent again automatically',
    ),
  ],
  [
    48001,
    never(
      'the Mini Program has no order and shipping management: switch it on in the Mini Program console, or leave shipping out',
    ),
  ],
])

/** Nothing has changed. WeChat has the shipment, so the upload has succeeded. */
const DONE: readonly number[] = [0, 10060023]

/** @param text WeChat's `errmsg`, cleaned. */
export function shippingAnswer(
  errcode: number,
  text: string,
): { readonly outcome: 'uploaded' } | ShippingRefusal {
  if (DONE.includes(errcode)) return { outcome: 'uploaded' }
  return { ...(table.get(errcode) ?? UNKNOWN_CODE), code: String(errcode), text }
}

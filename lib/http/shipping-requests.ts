/** The requests about the shipping of an order. */
import * as v from 'valibot'
import { MOST_PARCELS } from '../core/plan-shipment.ts'
import { unquoted } from './amount.ts'
import { CURSOR, cursor } from './cursor.ts'
import {
  logistics,
  moment,
  nonEmptyShownText,
  outTradeNo,
  pageSize,
  singleLine,
  unspaced,
} from './fields.ts'

/** WeChat accepts 120 characters of at most three bytes each. */
const ITEM_DESC_BYTES = 360

/** WeChat's id of SF Express, which tracks a parcel only with a sender's or receiver's number. */
export const NEEDS_CONTACT = 'SF'

/** A phone number with four readable digits at its end, such as 189****1234 or 0**2-****23-10. */
export const MASKED_PHONE = /\*-?(?:\d-?){3,}\d$/

const isMasked = (phone = ''): boolean => MASKED_PHONE.test(phone)

const parcel = v.pipe(
  v.strictObject({
    // Stored as it was sent, and cleaned for each upload.
    itemDesc: v.pipe(
      nonEmptyShownText(512, ITEM_DESC_BYTES),
      v.transform(({ sent }) => sent),
    ),
    trackingNo: v.optional(unspaced(128)),
    expressCompany: v.optional(unspaced(128)),
    contact: v.optional(
      v.strictObject({
        consignorContact: v.optional(singleLine(1_024)),
        receiverContact: v.optional(singleLine(1_024)),
      }),
    ),
  }),
  v.forward(
    v.check(
      ({ expressCompany, contact }) =>
        expressCompany !== NEEDS_CONTACT ||
        isMasked(contact?.consignorContact) ||
        isMasked(contact?.receiverContact),
      'consignorContact or receiverContact, masked except for the last four digits (189****1234), because SF needs one',
    ),
    ['contact'],
  ),
)

/**
 * Exactly one item, except for express. Express may have several items, each with its tracking
 * number and company, and they may be reported in several requests.
 */
export const shippingRequest = v.pipe(
  v.strictObject({
    outTradeNo,
    logisticsType: logistics,
    items: v.pipe(
      v.array(parcel, 'a list of items'),
      v.minLength(1, 'at least one item'),
      v.maxLength(MOST_PARCELS, `at most ${MOST_PARCELS} items`),
    ),
    isAllDelivered: v.optional(v.boolean(unquoted('true or false')), true),
  }),
  v.forward(
    v.check(
      (asked) => asked.logisticsType === 'express' || asked.items.length === 1,
      'exactly one item: only express may have more',
    ),
    ['items'],
  ),
  v.forward(
    v.check(
      (asked) => asked.logisticsType === 'express' || asked.isAllDelivered,
      'true: only express may have more parcels later',
    ),
    ['isAllDelivered'],
  ),
  v.forward(
    v.check(
      (asked) =>
        asked.logisticsType !== 'express' ||
        asked.items.every(
          (item) => item.trackingNo !== undefined && item.expressCompany !== undefined,
        ),
      'trackingNo and expressCompany in every item of express',
    ),
    ['items'],
  ),
)

/** Says when the carrier delivered an express order. */
export const receiptRequest = v.strictObject({ outTradeNo, receivedAt: moment })

/** A shipment, or the receipt of one. */
export const shippingOrReceipt = v.lazy((body) =>
  typeof body === 'object' && body !== null && 'receivedAt' in body
    ? receiptRequest
    : shippingRequest,
)

/** The name of this list. Its cursor is valid in no other list. */
export const FROZEN_LIST = 'frozen'

const PAGE_SIZE = 20
const FROZEN = { cursor: v.optional(cursor), limit: v.optional(pageSize) }

/** One order. Without `outTradeNo`, the list of the orders whose money is frozen. */
export const merchantShippingQuery = v.pipe(
  v.strictObject({ outTradeNo: v.optional(outTradeNo), ...FROZEN }),
  v.forward(
    v.check((asked) => (asked.cursor?.list ?? FROZEN_LIST) === FROZEN_LIST, CURSOR),
    ['cursor'],
  ),
  v.check(
    ({ outTradeNo: one, cursor: from, limit }) =>
      one === undefined || (from === undefined && limit === undefined),
    'either outTradeNo, or cursor and limit',
  ),
  v.transform(({ outTradeNo: one, cursor: from, limit = PAGE_SIZE }) =>
    one === undefined ? { before: from?.last ?? null, limit } : { outTradeNo: one },
  ),
)

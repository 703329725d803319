/** The requests about the shipping of an order. */
import * as v from 'valibot'
import { MOST_PARCELS } from '../core/plan-shipment.ts'
import { unquoted } from './amount.ts'
import { logistics, nonEmptyLine, nonEmptyShownText, outTradeNo, singleLine } from './fields.ts'

/** WeChat accepts 120 characters of at most three bytes each. */
const ITEM_DESC_BYTES = 360

const parcel = v.strictObject({
  // Stored as it was sent, and cleaned for each upload.
  itemDesc: v.pipe(
    nonEmptyShownText(512, ITEM_DESC_BYTES),
    v.transform(({ sent }) => sent),
  ),
  trackingNo: v.optional(nonEmptyLine(128)),
  expressCompany: v.optional(nonEmptyLine(128)),
  contact: v.optional(
    v.strictObject({
      consignorContact: v.optional(singleLine(1_024)),
      receiverContact: v.optional(singleLine(1_024)),
    }),
  ),
})

/**
 * Exactly one item. Only express may have several, each with its tracking number and company, and
 * only express may be reported bit by bit.
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

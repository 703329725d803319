/**
 * Settings for behaviour that differs between merchants, or that WeChat does not publish. They can
 * be changed at run time.
 */
import * as v from 'valibot'

const LONGEST_MS = 366 * 86_400_000
const SPAN = 'must be a number of milliseconds, from 0 to those of 366 days'
const span = v.pipe(v.number(SPAN), v.minValue(0, SPAN), v.maxValue(LONGEST_MS, SPAN))
const lineEnd = v.picklist(['CRLF', 'LF'], 'must be CRLF or LF')
const COUNT = 'must be a whole number from 0 on, or null'
const quota = v.pipe(v.number(COUNT), v.safeInteger(COUNT), v.minValue(0, COUNT))
const pushMode = v.picklist(['plain', 'compatible', 'safe'], 'must be plain, compatible or safe')
const pushFormat = v.picklist(['json', 'xml'], 'must be json or xml')
const yesOrNo = v.boolean('must be true or false')

/** With the defaults, also for the settings that an older state file lacks. */
export const settingsSchema = v.object({
  /** The time from accepting a refund to its final state. */
  refundMs: v.optional(span, 3000),
  /**
   * The minimum time between two refunds of an order. WeChat recommends a minute, and does not
   * publish its answer to an earlier refund.
   */
  refundGapMs: v.optional(span, 0),
  /** The delay until order and shipping management knows a payment. About a minute in reality. */
  shippableAfterMs: v.optional(span, 0),
  /** Whether this Mini Program must report shipping. */
  tradeManaged: v.optional(yesOrNo, true),
  /**
   * The time from the last parcel to the automatic confirmation of the receipt. WeChat does not
   * publish it.
   */
  autoConfirmMs: v.optional(span, 10 * 86_400_000),
  /** The time from the confirmation of the receipt to the settlement. */
  settleMs: v.optional(span, 86_400_000),
  /** The number of phone numbers that the shop has bought and not used. Null: enough. */
  phoneQuota: v.optional(v.nullable(quota), null),
  /**
   * How often each call with an access token may be made in a minute; then it is answered 45011.
   * WeChat does not publish the numbers. Null: as often as needed.
   */
  callsPerMinute: v.optional(v.nullable(quota), null),
  billLineEnd: v.optional(lineEnd, 'CRLF'),
  /** Whether the bill begins with U+FEFF. */
  billBom: v.optional(yesOrNo, false),
  /** Whether the agreement of the order centre (订单中心) is accepted. */
  orderCentreAgreed: v.optional(yesOrNo, true),
  /** How message push is encrypted. Without an EncodingAESKey it is plain. */
  pushMode: v.optional(pushMode, 'safe'),
  pushFormat: v.optional(pushFormat, 'json'),
})

export const settingsChangeSchema = v.strictObject({
  refundMs: v.exactOptional(span),
  refundGapMs: v.exactOptional(span),
  shippableAfterMs: v.exactOptional(span),
  tradeManaged: v.exactOptional(yesOrNo),
  autoConfirmMs: v.exactOptional(span),
  settleMs: v.exactOptional(span),
  phoneQuota: v.exactOptional(v.nullable(quota)),
  callsPerMinute: v.exactOptional(v.nullable(quota)),
  billLineEnd: v.exactOptional(lineEnd),
  billBom: v.exactOptional(yesOrNo),
  orderCentreAgreed: v.exactOptional(yesOrNo),
  pushMode: v.exactOptional(pushMode),
  pushFormat: v.exactOptional(pushFormat),
})

export type Settings = v.InferOutput<typeof settingsSchema>
export type SettingsChange = v.InferOutput<typeof settingsChangeSchema>

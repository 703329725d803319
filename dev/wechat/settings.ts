/** What can be set about this WeChat while it runs, where the real one has a habit, or its own mind. */
import * as v from 'valibot'

const LONGEST_MS = 366 * 86_400_000
const SPAN = 'must be a number of milliseconds, from 0 to those of 366 days'
const span = v.pipe(v.number(SPAN), v.minValue(0, SPAN), v.maxValue(LONGEST_MS, SPAN))
const lineEnd = v.picklist(['CRLF', 'LF'], 'must be CRLF or LF')
const yesOrNo = v.boolean('must be true or false')

/** With the defaults, also for whatever an older state file does not hold. */
export const settingsSchema = v.object({
  /** From accepting a refund to its end. */
  refundMs: v.optional(span, 3000),
  /** How soon after one refund of an order the next is taken; WeChat asks for a minute, and has not published what it answers before. */
  refundGapMs: v.optional(span, 0),
  /** How long after a payment order and shipping management first knows of it; about a minute in reality. */
  shippableAfterMs: v.optional(span, 0),
  /** Whether this Mini Program is one that has to report shipping. */
  tradeManaged: v.optional(yesOrNo, true),
  billLineEnd: v.optional(lineEnd, 'CRLF'),
  /** A U+FEFF before the bill's header. */
  billBom: v.optional(yesOrNo, false),
})

export const settingsChangeSchema = v.strictObject({
  refundMs: v.exactOptional(span),
  refundGapMs: v.exactOptional(span),
  shippableAfterMs: v.exactOptional(span),
  tradeManaged: v.exactOptional(yesOrNo),
  billLineEnd: v.exactOptional(lineEnd),
  billBom: v.exactOptional(yesOrNo),
})

export type Settings = v.InferOutput<typeof settingsSchema>
export type SettingsChange = v.InferOutput<typeof settingsChangeSchema>

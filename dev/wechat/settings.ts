/** What can be set about this WeChat while it runs, where the real one has a habit, or its own mind. */
import * as v from 'valibot'

const LONGEST_MS = 366 * 86_400_000
const span = v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_MS))
const lineEnd = v.picklist(['CRLF', 'LF'])

/** With the defaults, also for whatever an older state file does not hold. */
export const settingsSchema = v.object({
  /** From accepting a refund to its end. */
  refundMs: v.optional(span, 3000),
  /** How soon after one refund of an order the next is taken; WeChat asks for a minute, and has not published what it answers before. */
  refundGapMs: v.optional(span, 0),
  /** How long after a payment order and shipping management first knows of it; about a minute in reality. */
  shippableAfterMs: v.optional(span, 0),
  /** Whether this Mini Program is one that has to report shipping. */
  tradeManaged: v.optional(v.boolean(), true),
  billLineEnd: v.optional(lineEnd, 'CRLF'),
  /** A U+FEFF before the bill's header. */
  billBom: v.optional(v.boolean(), false),
})

export const settingsChangeSchema = v.strictObject({
  refundMs: v.exactOptional(span),
  refundGapMs: v.exactOptional(span),
  shippableAfterMs: v.exactOptional(span),
  tradeManaged: v.exactOptional(v.boolean()),
  billLineEnd: v.exactOptional(lineEnd),
  billBom: v.exactOptional(v.boolean()),
})

export type Settings = v.InferOutput<typeof settingsSchema>
export type SettingsChange = v.InferOutput<typeof settingsChangeSchema>

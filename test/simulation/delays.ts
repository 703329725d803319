/** Generates the delays between the actions of a history, in milliseconds. */
import fc from 'fast-check'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/**
 * From 0 to hours: within one request, within the life of a lock, after an order is closed, after a
 * `prepay_id` expires.
 */
const AFTER_MS = [
  0,
  0,
  0,
  1,
  5,
  20,
  20,
  100,
  300,
  300,
  SECOND_MS,
  SECOND_MS,
  3 * SECOND_MS,
  12 * SECOND_MS,
  25 * SECOND_MS,
  MINUTE_MS,
  4 * MINUTE_MS,
  6 * MINUTE_MS,
  6 * MINUTE_MS,
  30 * MINUTE_MS,
  114 * MINUTE_MS,
  119 * MINUTE_MS,
  126 * MINUTE_MS,
]
export const anyDelay = fc.constantFrom(...AFTER_MS)
/** Actions overlap. */
export const noDelay = fc.constantFrom(0, 0, 1, 5, 20, 100, 300)
export const longDelay = fc.constantFrom(
  0,
  SECOND_MS,
  MINUTE_MS,
  HOUR_MS,
  4 * HOUR_MS,
  12 * HOUR_MS,
)

/** Beijing is UTC+8 all year, without daylight saving time. */
const BEIJING_MS = 8 * 3_600_000

const shifted = (at: Date): string => new Date(at.getTime() + BEIJING_MS).toISOString()

/** `yyyyMMddHHmmss` in Beijing time. */
export const toBeijingDigits = (at: Date): string => shifted(at).replace(/\D/g, '').slice(0, 14)

/** RFC 3339 with Beijing's offset, to the second: `2025-01-02T03:04:05+08:00`. */
export const toRfc3339 = (at: Date): string => `${shifted(at).slice(0, 19)}+08:00`

/** RFC 3339 with Beijing's offset, to the millisecond. */
export const toRfc3339Millis = (at: Date): string => `${shifted(at).slice(0, 23)}+08:00`

/**
 * Messages to WeChat may carry no fractions of a second, and the stored moment must be the one that
 * was sent.
 */
export const toWholeSeconds = (at: Date): Date => new Date(Math.floor(at.getTime() / 1000) * 1000)

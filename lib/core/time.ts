/** Beijing is UTC+8 all year, so its clock is a shift: WeChat's v2 times carry no offset and mean this one. */
const BEIJING_MS = 8 * 3_600_000

const shifted = (at: Date): string => new Date(at.getTime() + BEIJING_MS).toISOString()

/** `yyyyMMddHHmmss` in Beijing time, as v2 messages write it. */
export const toBeijingDigits = (at: Date): string => shifted(at).replace(/\D/g, '').slice(0, 14)

/** RFC 3339 with Beijing's offset, to the second: `2025-01-02T03:04:05+08:00`. */
export const toRfc3339 = (at: Date): string => `${shifted(at).slice(0, 19)}+08:00`

/** RFC 3339 with Beijing's offset, to the millisecond. */
export const toRfc3339Millis = (at: Date): string => `${shifted(at).slice(0, 23)}+08:00`

/** Reads `yyyyMMddHHmmss` in Beijing time; null when it is no such moment (`20250230…`). */
export function parseBeijingDigits(text: string): Date | null {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text)
  if (parts === null) return null
  const [, year, month, day, hour, minute, second] = parts
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`)
  return !Number.isNaN(at.getTime()) && toBeijingDigits(at) === text ? at : null
}

/** Whole seconds only: v2 carries no fractions, and what is stored must be what was sent. */
export const toWholeSeconds = (at: Date): Date => new Date(Math.floor(at.getTime() / 1000) * 1000)

import { err, ok, type Result } from './result.ts'
import { toRfc3339 } from './time.ts'

/** A day in Beijing time, as WeChat counts days: `2026-11-20`. Made only by the functions below. */
export type Day = `${number}-${number}-${number}`

const DAY_MS = 86_400_000

/** The day in Beijing at this moment. */
export const dayOf = (at: Date): Day => toRfc3339(at).slice(0, 10) as Day

/** The first moment of a day. */
export const startOf = (day: Day): Date => new Date(`${day}T00:00:00+08:00`)

export const plusDays = (day: Day, days: number): Day =>
  dayOf(new Date(startOf(day).getTime() + days * DAY_MS))

/** WeChat has made yesterday's bill by ten in the morning, Beijing time. */
const BILL_READY_AFTER_MS = 10 * 3_600_000

/** The last day whose bill is ready. */
export const lastBillDay = (at: Date): Day =>
  plusDays(dayOf(new Date(at.getTime() - BILL_READY_AFTER_MS)), -1)

/** The same day of an earlier month, or that month's last day if it is shorter. */
export function minusMonths(day: Day, months: number): Day {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number)
  const lastOfMonth = new Date(Date.UTC(year, month - months, 0)).getUTCDate()
  return new Date(Date.UTC(year, month - 1 - months, Math.min(date, lastOfMonth)))
    .toISOString()
    .slice(0, 10) as Day
}

/** Reads `2026-11-20`. A day that does not exist (`2026-02-30`) is refused. */
export function parseDay(text: string): Result<Day, 'not_a_day'> {
  if (!/^20\d{2}-\d{2}-\d{2}$/.test(text)) return err('not_a_day')
  const day = text as Day
  const start = startOf(day)
  return !Number.isNaN(start.getTime()) && dayOf(start) === day ? ok(day) : err('not_a_day')
}

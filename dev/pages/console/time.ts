/** Times are shown in Beijing time, because bills and takings have days in Beijing. */

const beijing = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** `2026-11-29 15:04:05` in Beijing; a text that is not a time is shown unchanged. */
export const toBeijing = (at: string): string => {
  const time = Date.parse(at)
  return Number.isNaN(time) ? at : beijing.format(time)
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/**
 * `in 3 hours`, `2 days ago`, in the language of the page.
 *
 * @param now in milliseconds, by the clock of the server
 */
export function toRelative(at: string, now: number, language: 'en' | 'zh'): string {
  const difference = Date.parse(at) - now
  const size = Math.abs(difference)
  const format = new Intl.RelativeTimeFormat(language, {
    numeric: size < MINUTE_MS ? 'auto' : 'always',
  })
  if (size < HOUR_MS) return format.format(Math.trunc(difference / MINUTE_MS), 'minute')
  if (size < 2 * DAY_MS) return format.format(Math.trunc(difference / HOUR_MS), 'hour')
  return format.format(Math.trunc(difference / DAY_MS), 'day')
}

/** The first moment of a day in Beijing, in RFC 3339. Empty if the day is empty. */
export const startOf = (day: string): string => (day === '' ? '' : `${day}T00:00:00+08:00`)

/** The first moment of the day after. */
export const endOf = (day: string): string =>
  day === ''
    ? ''
    : startOf(new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10))

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/**
 * The milliseconds until noon in Beijing, so many days from today. The bill of the day before is
 * available then.
 */
export const untilBeijingNoon = (days: number): number =>
  days * DAY_MS + 12 * HOUR_MS - ((Date.now() + 8 * HOUR_MS) % DAY_MS)

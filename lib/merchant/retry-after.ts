/** What a receiver may ask for: a longer wait would only lose the event. */
const LONGEST_MS = 86_400_000

/** The form of HTTP dates that senders must use. `Date.parse` takes much that is no date. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** How long a `Retry-After` header asks us to wait, in milliseconds. 0 where there is none, it is over, or it is not readable. */
export function readRetryAfter(header: string | null, now: Date): number {
  const value = header?.trim() ?? ''
  if (/^\d{1,9}$/.test(value)) return Math.min(Number(value) * 1_000, LONGEST_MS)
  const waitMs = HTTP_DATE.test(value) ? Date.parse(value) - now.getTime() : 0
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(waitMs, 0), LONGEST_MS)
}

/** The longest wait that a receiver may ask for. */
const LONGEST_MS = 86_400_000

/** The format that senders must use for HTTP dates. `Date.parse` alone accepts too much. */
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * The wait that a `Retry-After` header asks for, in milliseconds. 0 if the header is missing, in
 * the past or malformed.
 */
export function readRetryAfter(header: string | null, now: Date): number {
  const value = header?.trim() ?? ''
  if (/^\d{1,9}$/.test(value)) return Math.min(Number(value) * 1_000, LONGEST_MS)
  const waitMs = HTTP_DATE.test(value) ? Date.parse(value) - now.getTime() : 0
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(waitMs, 0), LONGEST_MS)
}

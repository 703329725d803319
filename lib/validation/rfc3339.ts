/**
 * Reads an RFC 3339 time. The offset is required: without it, two readers could understand two
 * moments.
 */
export function parseRfc3339(text: string): Date | null {
  const parts =
    /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i.exec(
      text,
    )
  if (parts === null) return null
  // `Date` would read the 30th of February as a day in March.
  const [, year, month, day] = parts
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`)
  if (midnight.getUTCDate() !== Number(day)) return null
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? null : at
}

/** Moments as WeChat writes and reads them: in Beijing time, to the second. */

const format = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  dateStyle: 'short',
  timeStyle: 'medium',
})

/** `yyyy-MM-dd HH:mm:ss`, as in bills and refunds. */
export const toBeijingText = (at: number): string => format.format(at)

/** `yyyyMMddHHmmss`, as in the other fields of v2. */
export const toBeijingDigits = (at: number): string => toBeijingText(at).replaceAll(/\D/g, '')

/** RFC 3339 with the offset of Beijing, as in APIv3. */
export const toRfc3339 = (at: number): string => `${toBeijingText(at).replace(' ', 'T')}+08:00`

/** Reads `yyyyMMddHHmmss`. Null if there is no such moment. */
export function parseBeijingDigits(digits: string): number | null {
  const text = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6+08:00')
  const at = Date.parse(text)
  return !Number.isNaN(at) && toBeijingDigits(at) === digits ? at : null
}

/** Reads RFC 3339, in which the offset is required. Null if there is no such moment. */
export function parseRfc3339(text: string): number | null {
  const shape = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i
  const day = shape.exec(text)?.[1]
  const at = Date.parse(text)
  if (day === undefined || Number.isNaN(at)) return null
  // `Date.parse` reads the 30th of February as a day in March.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? at : null
}

/** The first moment of the day in Beijing. */
export const startOfDay = (at: number): number =>
  Date.parse(`${toBeijingText(at).slice(0, 10)}T00:00:00+08:00`)

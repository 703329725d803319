/**
 * Characters that copying adds to a variable's value by mistake. They are refused, because they
 * would become part of the value.
 */

/**
 * Zero-width characters, a byte order mark, a soft hyphen, direction marks: they come from web
 * pages and documents.
 */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/

export function findPasteFault(value: string): string | null {
  if (INVISIBLE.test(value)) return 'has an invisible character in it: copy it again as plain text'
  if (value.trim() !== value) return 'has a space or a line end before or behind it'
  return /^["'`“”‘’„«「『＂＇][^]*["'`“”‘’»」』＂＇]$/.test(value)
    ? 'has quotation marks around it'
    : null
}

/**
 * Finds the full-width forms that a Chinese keyboard types in place of ASCII; null if the value
 * has no such character.
 */
export const findFullWidth = (value: string): string | null =>
  /[\u3000\uff01-\uff5e]/.test(value)
    ? 'has a full-width character in it: type it again in half width (半角)'
    : null

/**
 * Finds characters that no key, token or number of a service has, and that no HTTP header can
 * carry; null if it has no such character.
 */
export function findNotAscii(value: string): string | null {
  if (/^[\x21-\x7e]*$/.test(value)) return null
  const other = /\s/.test(value)
    ? 'has a space or a line end in it'
    : 'has a character in it that is not visible ASCII: copy it again as plain text'
  return findFullWidth(value) ?? other
}

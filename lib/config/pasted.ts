/**
 * Finds characters that copying or typing adds to a variable's value by mistake. Each check returns
 * what is wrong, without the value, or null.
 */

/** Zero-width characters, byte order mark, soft hyphen, direction marks: from web pages. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/

export function pasteFault(value: string): string | null {
  if (INVISIBLE.test(value)) return 'has an invisible character in it: copy it again as plain text'
  if (value.trim() !== value) return 'has a space or a line end before or behind it'
  return /^["'`“”‘’„«「『＂＇][^]*["'`“”‘’»」』＂＇]$/.test(value)
    ? 'has quotation marks around it'
    : null
}

/** Full-width forms, which a Chinese keyboard types in place of ASCII. */
export const fullWidthFault = (value: string): string | null =>
  /[\u3000\uff01-\uff5e]/.test(value)
    ? 'has a full-width character in it: type it again in half width (半角)'
    : null

/** Anything but visible ASCII. No key or token has another character, and no header carries one. */
export function notAsciiFault(value: string): string | null {
  if (/^[\x21-\x7e]*$/.test(value)) return null
  const other = /\s/.test(value)
    ? 'has a space or a line end in it'
    : 'has a character in it that is not visible ASCII: copy it again as plain text'
  return fullWidthFault(value) ?? other
}

/** Cleans and checks the texts of an order, a refund and a shipment, for every protocol. */
import { err, ok, type Result } from '../core/result.ts'
import { removeMarkup } from './markup.ts'

/**
 * Characters that WeChat refuses: control characters, and all that take four bytes in UTF-8 (emoji,
 * rare Han). Lone surrogates and the two non-characters are not valid in XML. The joiner and the
 * selectors that hold an emoji together would be invisible without it.
 */
const REFUSED = /[\p{Cc}\p{Cs}\u{10000}-\u{10FFFF}\uFFFE\uFFFF]|\u200D|\uFE0E|\uFE0F/gu

/**
 * Removes what WeChat refuses, and cuts the text at `maxBytes` of UTF-8, never inside a character.
 *
 * Refusing the text instead would lose a sale over an emoji.
 */
export function cleanText(text: string, maxBytes: number): string {
  let clean = ''
  let bytes = 0
  for (const character of removeMarkup(text.replace(REFUSED, ''))) {
    bytes += Buffer.byteLength(character, 'utf8')
    if (bytes > maxBytes) break
    clean += character
  }
  return clean.trim()
}

/**
 * Reads text that WeChat returns exactly as it was sent: at most `maxBytes`, and nothing that
 * `cleanText` changes. Programs read such texts, and truncated JSON is useless to them.
 */
export const parseUnchanged =
  (maxBytes: number) =>
  (text: string): Result<string, 'changed'> =>
    cleanText(text, maxBytes) === text ? ok(text) : err('changed')

import { err, ok, type Result } from './result.ts'

/**
 * What WeChat's v2 cannot carry: control characters, and everything that takes four bytes in UTF-8 (emoji, rare Han).
 * Lone surrogates and the two non-characters go too: they are no XML. So do the joiner and the selectors that hold emoji
 * together: without them nothing would be seen.
 */
const UNCARRIED = /[\p{Cc}\p{Cs}\u{10000}-\u{10FFFF}\uFFFE\uFFFF]|\u200D|\uFE0E|\uFE0F/gu

/** WeChat sends these texts back inside its XML. A message with such a word is refused unread. */
const DECLARATION = /<!(?=DOCTYPE|ENTITY)/gi

/** The end of a CDATA section. In WeChat's XML the text behind it would be markup, and the order could not be read. */
const SECTION_END = /\]\]>+/g

/**
 * Removes what v2 cannot carry and what would make a message unreadable when WeChat sends it back, and cuts at `maxBytes`
 * of UTF-8, never inside a character.
 *
 * Refusing instead would lose a sale over an emoji; sending it would make WeChat refuse the order.
 */
export function cleanText(text: string, maxBytes: number): string {
  let clean = ''
  let bytes = 0
  for (const character of text
    .replace(UNCARRIED, '')
    .replace(DECLARATION, '<')
    .replace(SECTION_END, ']]')) {
    bytes += Buffer.byteLength(character, 'utf8')
    if (bytes > maxBytes) break
    clean += character
  }
  return clean.trim()
}

/** NUL and lone surrogates: PostgreSQL stores neither, and no message can carry them. */
const NO_TEXT = /[\0\p{Cs}]/u

/**
 * Reads free text from a request: Unicode scalar values only, and no NUL.
 *
 * Every text from a caller goes through this parser or one of the two stricter ones below. Other control characters are
 * accepted here: texts for people (a description, a name, a reason) are cleaned with `cleanText` before they are stored or
 * sent, so a line break in a product's name loses no sale.
 */
export const parseText = (text: string): Result<string, 'not_text'> =>
  NO_TEXT.test(text) ? err('not_text') : ok(text)

/** Reads text that programs use as it is (a login code, a tracking number): no control characters. */
export const parseLine = (text: string): Result<string, 'not_a_line'> =>
  /[\p{Cc}\p{Cs}]/u.test(text) ? err('not_a_line') : ok(text)

/**
 * Reads text that must be returned exactly as it was sent: at most `maxBytes` of UTF-8, and nothing that `cleanText` changes.
 *
 * Programs read such texts, and a truncated JSON text or URL is useless to them.
 */
export const parseUnchanged =
  (maxBytes: number) =>
  (text: string): Result<string, 'changed'> =>
    cleanText(text, maxBytes) === text ? ok(text) : err('changed')

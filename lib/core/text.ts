import { withoutFields } from './signed-words.ts'

/**
 * What WeChat's v2 cannot carry: control characters, and everything that takes four bytes in UTF-8 (emoji, rare Han).
 * Lone surrogates and the two non-characters go too: they are no XML. So do the joiner and the selectors that hold emoji
 * together: without them nothing would be seen.
 */
const UNCARRIED = /[\p{Cc}\p{Cs}\u{10000}-\u{10FFFF}\uFFFE\uFFFF]|\u200D|\uFE0E|\uFE0F/gu

/** WeChat sends these texts back inside its XML, and a message that holds such a word is refused unread. */
const DECLARATION = /<!(?=DOCTYPE|ENTITY)/gi

/**
 * Removes what v2 cannot carry, or what in a notice would make it one to be refused, and cuts at `maxBytes` of UTF-8, never inside a character.
 *
 * Refusing instead would lose a sale over an emoji; sending it would make WeChat refuse the order.
 */
export function cleanText(text: string, maxBytes: number): string {
  let clean = ''
  let bytes = 0
  for (const character of withoutFields(text.replace(UNCARRIED, '').replace(DECLARATION, '<'))) {
    bytes += Buffer.byteLength(character, 'utf8')
    if (bytes > maxBytes) break
    clean += character
  }
  return clean.trim()
}

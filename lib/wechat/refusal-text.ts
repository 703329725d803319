/** Cleans WeChat's refusal texts for people to read. */
import { cleanText } from './text.ts'

const LONGEST_BYTES = 128

/**
 * Returns one short line that names no user. `cleanText` removes control characters; line
 * separators and direction marks are removed here.
 *
 * @param secrets values of the request that must not be shown; a text that repeats one is dropped
 * entirely
 */
export const cleanRefusalText = (text: string, secrets: readonly string[] = []): string =>
  secrets.some((secret) => text.includes(secret) || text.includes(encodeURIComponent(secret)))
    ? ''
    : shorten(text)

const shorten = (text: string): string =>
  cleanText(text.replace(/[\p{Cf}\p{Zl}\p{Zp}]/gu, ''), LONGEST_BYTES).replace(
    /\bo[\w-]{20,}/g,
    'o…',
  )

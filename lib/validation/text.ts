import { err, ok, type Result } from '../core/result.ts'

/** NUL and lone surrogates: PostgreSQL stores neither, and no message can carry them. */
const NO_TEXT = /[\0\p{Cs}]/u

/**
 * Reads free text: Unicode scalar values only, and no NUL.
 *
 * Every text from a caller goes through this parser or a stricter one. Other control characters are
 * accepted here, because a line break in a product's name must not lose a sale.
 */
export const parseText = (text: string): Result<string, 'not_text'> =>
  NO_TEXT.test(text) ? err('not_text') : ok(text)

/** Reads text that programs use unchanged, such as a tracking number: no control characters. */
export const parseLine = (text: string): Result<string, 'not_a_line'> =>
  /[\p{Cc}\p{Cs}]/u.test(text) ? err('not_a_line') : ok(text)

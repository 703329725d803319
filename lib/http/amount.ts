/** The schema of an amount of money, with a text for each kind of mistake. */
import * as v from 'valibot'
import { MAX_FEN, parseFen, toFen } from '../core/money.ts'
import { parsed } from '../validation/parsed.ts'

const ANY = `a whole number of fen, from 1 to ${MAX_FEN}`
const WHOLE = 'a whole number of fen, not a fraction'

/**
 * Explains an amount that is text. A valid amount of a form is already a number here, so a valid
 * text comes from JSON with quotation marks.
 */
function expectedOfText(text: string): string {
  if (parseFen(text).ok) return 'a number, without quotation marks'
  if (/^0+[1-9]\d*$/.test(text)) return 'a number without leading zeros'
  if (/^-?\d+\.\d+$/.test(text)) return WHOLE
  return /^-?\d+$/.test(text)
    ? expectedAmount(Number(text))
    : 'a whole number of fen, in digits only'
}

function expectedAmount(input: unknown): string {
  if (typeof input === 'string') return expectedOfText(input)
  if (typeof input !== 'number') return ANY
  if (input > MAX_FEN) return `at most ${MAX_FEN} fen`
  return Number.isInteger(input) ? 'at least 1 fen' : WHOLE
}

export const fen = parsed(
  v.number(({ input }) => expectedAmount(input)),
  toFen,
  ANY,
  { type: 'integer', minimum: 1, maximum: MAX_FEN },
  expectedAmount,
)

/**
 * The text for a number or a boolean that was sent as text. That of a form is converted already, so
 * a valid text comes from JSON with quotation marks.
 */
export const unquoted =
  (expected: string) =>
  ({ input }: v.BaseIssue<unknown>): string =>
    typeof input === 'string' && /^(?:true|false|\d+)$/.test(input)
      ? `${expected}, without quotation marks`
      : expected

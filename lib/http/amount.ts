/** The schema of an amount of money in a request. */
import * as v from 'valibot'
import { MAX_FEN, toFen } from '../core/money.ts'
import { parsed } from '../core/parsed.ts'

export const fen = parsed(v.number('a whole number of fen'), toFen, 'a whole number of fen, from 1 to 2147483647', {
  type: 'integer',
  minimum: 1,
  maximum: MAX_FEN,
})

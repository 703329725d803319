import { toFen, type Fen } from '../core/money.ts'
import { err, type Result } from '../core/result.ts'

/**
 * Reads an amount as bills write it: yuan with up to two decimals, such as `28.00`. "1e3",
 * "28.001", ".5" and zero are refused.
 *
 * The digits are read as text because 0.29 * 100 is 28.999999999999996.
 */
export function parseYuan(text: string): Result<Fen, 'not_fen'> {
  const parts = /^(0|[1-9]\d{0,7})(?:\.(\d{1,2}))?$/.exec(text)
  return parts === null
    ? err('not_fen')
    : toFen(Number(`${parts[1]}${(parts[2] ?? '').padEnd(2, '0')}`))
}

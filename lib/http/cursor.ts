/**
 * The cursor of a list: the last order of the previous page. A serial number would disclose to
 * payers how much the shop sells.
 */
import { parseOutTradeNo, type OutTradeNo } from '../core/ids.ts'
import { err, ok } from '../core/result.ts'
import { parsed } from '../validation/parsed.ts'
import { singleLine } from './fields.ts'

export interface Cursor {
  readonly last: OutTradeNo
  /**
   * Identifies the list: a short digest of its filter, or its name. Empty for lists that need
   * neither.
   */
  readonly list: string
}

export const CURSOR = 'the nextCursor of an earlier page of this list'

/** No order number contains an `@`. */
export const toCursor = ({ last, list }: Cursor): string =>
  Buffer.from(list === '' ? last : `${last}@${list}`, 'utf8').toString('base64url')

export const cursor = parsed(
  singleLine(64),
  (text) => {
    const [number = '', list = ''] = Buffer.from(text, 'base64url').toString('utf8').split('@')
    const last = parseOutTradeNo(number)
    if (!last.ok) return last
    const read: Cursor = { last: last.value, list }
    return toCursor(read) === text ? ok(read) : err('not a cursor')
  },
  CURSOR,
)

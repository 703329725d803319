/**
 * The cursor of a list: the last order of the previous page. A serial number would disclose to
 * payers how much the shop sells.
 */
import { parseOutTradeNo, type OutTradeNo } from '../core/ids.ts'
import { err } from '../core/result.ts'
import { parsed } from '../validation/parsed.ts'
import { singleLine } from './fields.ts'

export const toCursor = (outTradeNo: OutTradeNo): string =>
  Buffer.from(outTradeNo, 'utf8').toString('base64url')

export const cursor = parsed(
  singleLine(64),
  (text) => {
    const last = parseOutTradeNo(Buffer.from(text, 'base64url').toString('utf8'))
    return last.ok && toCursor(last.value) !== text ? err('not a cursor') : last
  },
  'the nextCursor of an earlier page',
)

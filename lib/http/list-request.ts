/** The query of a list of orders: a payer's own orders, or all orders for the merchant. */
import * as v from 'valibot'
import { fingerprint } from '../core/fingerprint.ts'
import { CURSOR, cursor } from './cursor.ts'
import { openid, pageSize, queryMoment, tradeStates } from './fields.ts'

const page = {
  tradeState: v.optional(tradeStates),
  cursor: v.optional(cursor),
  limit: v.optional(pageSize, '20'),
}

const filtered = v.strictObject({
  ...page,
  openid: v.optional(openid),
  createdFrom: v.optional(queryMoment),
  createdTo: v.optional(queryMoment),
})

/**
 * The cursor of a filtered list is valid only with the same filters. Another list may not contain
 * the order that the cursor names, or may have it at another position.
 */
const listOf = (asked: Partial<v.InferOutput<typeof filtered>>): string => {
  const filters = [asked.openid, asked.createdFrom, asked.createdTo, asked.tradeState]
  return filters.every((filter) => filter === undefined) ? '' : fingerprint(filters).slice(0, 8)
}

export const listRequest = v.pipe(
  v.strictObject(page),
  v.forward(
    v.check((asked) => asked.cursor === undefined || asked.cursor.list === listOf(asked), CURSOR),
    ['cursor'],
  ),
  v.transform((asked) => ({ ...asked, list: listOf(asked) })),
)

export const merchantListRequest = v.pipe(
  filtered,
  v.forward(
    v.check(
      ({ createdFrom, createdTo }) =>
        createdFrom === undefined || createdTo === undefined || createdFrom < createdTo,
      'a time after createdFrom',
    ),
    ['createdTo'],
  ),
  v.forward(
    v.check((asked) => asked.cursor === undefined || asked.cursor.list === listOf(asked), CURSOR),
    ['cursor'],
  ),
  v.transform((asked) => ({ ...asked, list: listOf(asked) })),
)

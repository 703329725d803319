import { err, ok, type Result } from './result.ts'
import type { Fields } from './signature.ts'
import { findOrder } from './order.ts'
import { lacks, refusal, type Refusal } from './refusal.ts'
import type { State, StoredOrder } from './state.ts'

/**
 * Returns the order that a request names. `transaction_id` takes precedence over `out_trade_no`,
 * and finds paid orders only.
 */
export function findNamedOrder(state: State, request: Fields): Result<StoredOrder, Refusal> {
  const transactionId = request.get('transaction_id')
  const outTradeNo = request.get('out_trade_no')
  if (transactionId === undefined && outTradeNo === undefined) return err(lacks('out_trade_no'))
  if (transactionId !== undefined && !/^\d{1,32}$/.test(transactionId))
    return err(refusal('INVALID_TRANSACTIONID'))
  const order =
    transactionId === undefined
      ? findOrder(state, outTradeNo ?? '')
      : state.orders.find(({ payment }) => payment?.transactionId === transactionId)
  return order === undefined ? err(refusal('ORDERNOTEXIST')) : ok(order)
}

/**
 * Claims the amounts of refunds on PostgreSQL. Parallel refunds of one order contend for the
 * order's row. The claim is a constraint on that row, so PostgreSQL checks it after the wait for
 * the lock; a sum over other rows would be checked with the values from before the wait.
 */
import type { Refunds } from '../ports.ts'
import { DatabaseError } from './database-failure.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readRefund, refundJson } from './rows.ts'

export const createClaims = (sql: Sql): Pick<Refunds, 'claim' | 'adopt'> => ({
  claim: ({ outRefundNo, outTradeNo, refundFee, refundDesc }, at) =>
    claiming(() =>
      // The second run finds the number taken, and the step then reads its own claim.
      sql.query(CLAIM, [outRefundNo, outTradeNo, refundFee, refundDesc, at], REPEATABLE),
    ),

  adopt: ({ outRefundNo, outTradeNo, refundFee, refundDesc }, refundId, at) =>
    claiming(() =>
      sql.query(ADOPT, [outRefundNo, outTradeNo, refundFee, refundDesc, at, refundId]),
    ),
})

/** The sum does not fit the column. */
const OUT_OF_RANGE = '22003'

async function claiming(
  store: () => Promise<readonly Record<string, unknown>[]>,
): ReturnType<Refunds['claim']> {
  try {
    const [row] = await store()
    return row === undefined ? 'too_much' : readRefund(row['refund'])
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause
    if (cause.constraint === 'refunds_pkey' || cause.constraint === 'refunds_refund_id_key')
      return 'number_taken'
    if (cause.constraint === 'orders_refunds_within_payment' || cause.code === OUT_OF_RANGE)
      return 'too_much'
    throw cause
  }
}

const CLAIM = `
  with stored as (
    insert into refunds (out_refund_no, out_trade_no, refund_fee, refund_desc, created_at)
    select $1, out_trade_no, $3::integer, $4, $5::timestamptz from orders
    where out_trade_no = $2 and trade_state in ('SUCCESS', 'REFUND')
    returning *
  ), claimed as (
    update orders o set claimed_fee = o.claimed_fee + stored.refund_fee from stored where o.out_trade_no = stored.out_trade_no
  )
  select ${refundJson('stored')} as refund from stored`

const ADOPT = `
  with stored as (
    insert into refunds (out_refund_no, out_trade_no, refund_fee, refund_desc, created_at, refund_id)
    select $1, out_trade_no, $3::integer, $4, $5::timestamptz, $6 from orders
    where out_trade_no = $2 and trade_state in ('SUCCESS', 'REFUND')
    returning *
  ), claimed as (
    update orders o set claimed_fee = o.claimed_fee + stored.refund_fee, trade_state = 'REFUND'
    from stored where o.out_trade_no = stored.out_trade_no
  )
  select ${refundJson('stored')} as refund from stored`

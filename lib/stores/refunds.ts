/**
 * Refunds on PostgreSQL. Parallel refunds of one order contend for its row: the claim is a constraint on that row, judged
 * after waiting, where a sum over other rows would be judged by what was there before the wait. Every statement takes the
 * refund first, then the order, so that no two wait for each other.
 */
import { toRefundView } from '../core/refund.ts'
import type { Refunds } from '../ports.ts'
import { DatabaseError, type Sql } from './neon.ts'
import { readRefund } from './rows.ts'

export function createRefunds(sql: Sql): Refunds {
  const find: Refunds['find'] = async (outRefundNo) => {
    const [row] = await sql.query('select to_jsonb(r) as refund from refunds r where out_refund_no = $1', [outRefundNo])
    return row === undefined ? null : readRefund(row['refund'])
  }
  const changed = async (rows: readonly Record<string, unknown>[], outRefundNo: Parameters<Refunds['find']>[0]) => {
    const refund = rows[0] === undefined ? await find(outRefundNo) : readRefund(rows[0]['refund'])
    if (refund === null) throw new Error('a refund vanished')
    return refund
  }

  return {
    find,

    async claim(draft, at) {
      try {
        const [row] = await sql.query(CLAIM, [draft.outRefundNo, draft.outTradeNo, draft.refundFee, draft.refundDesc, at])
        return row === undefined ? 'too_much' : readRefund(row['refund'])
      } catch (cause) {
        if (cause instanceof DatabaseError && cause.constraint === 'refunds_pkey') return 'number_taken'
        if (cause instanceof DatabaseError && (cause.constraint === 'orders_refunds_within_payment' || cause.code === OUT_OF_RANGE))
          return 'too_much'
        throw cause
      }
    },

    async accepted(refund, refundId, at) {
      return changed(await sql.query(ACCEPTED, [refund.outRefundNo, refundId, at]), refund.outRefundNo)
    },

    async postponed(refund, errCode) {
      const text = `update refunds set err_code = $2 where out_refund_no = $1 and refund_status = 'PROCESSING' returning to_jsonb(refunds) as refund`
      return changed(await sql.query(text, [refund.outRefundNo, errCode]), refund.outRefundNo)
    },

    async settle(refund, { refundStatus, refundId, errCode }, at) {
      const event = toRefundView({ ...refund, refundStatus, refundId: refundId ?? refund.refundId, errCode })
      return changed(await sql.query(SETTLE, [refund.outRefundNo, refundStatus, refundId, errCode, at, event]), refund.outRefundNo)
    },

    async takeUnfinished(limit, quietSince, at) {
      const rows = await sql.query(TAKE_UNFINISHED, [limit, quietSince, at])
      return rows.map((row) => readRefund(row['refund']))
    },
  }
}

/** The sum does not even fit the column. */
const OUT_OF_RANGE = '22003'

const CLAIM = `
  with stored as (
    insert into refunds (out_refund_no, out_trade_no, refund_fee, refund_desc, created_at)
    select $1, out_trade_no, $3::integer, $4, $5::timestamptz from orders
    where out_trade_no = $2 and trade_state in ('SUCCESS', 'REFUND')
    returning *
  ), claimed as (
    update orders o set claimed_fee = o.claimed_fee + stored.refund_fee from stored where o.out_trade_no = stored.out_trade_no
  )
  select to_jsonb(stored) as refund from stored`

const ACCEPTED = `
  with held as (
    select out_refund_no, out_trade_no from refunds where out_refund_no = $1 and refund_status = 'PROCESSING' for update
  ), moved as (
    update orders o set trade_state = 'REFUND' from held where o.out_trade_no = held.out_trade_no and o.trade_state = 'SUCCESS'
  )
  update refunds r set refund_id = $2, err_code = null, accepted_at = coalesce(r.accepted_at, $3::timestamptz) from held where r.out_refund_no = held.out_refund_no
  returning to_jsonb(r) as refund`

const SETTLE = `
  with held as (
    select out_refund_no, out_trade_no, refund_fee, refund_status from refunds
    where out_refund_no = $1 and refund_status in ('PROCESSING', 'CHANGE') and refund_status <> $2
    for update
  ), moved as (
    update orders o set
      trade_state = case when $3::text is null then o.trade_state else 'REFUND' end,
      refunded_fee = o.refunded_fee + case when $2 = 'SUCCESS' then held.refund_fee else 0 end,
      claimed_fee = o.claimed_fee - case when $2 = 'REFUNDCLOSE' then held.refund_fee else 0 end
    from held where o.out_trade_no = held.out_trade_no
  ), told as (
    insert into events (type, out_trade_no, data, created_at, next_attempt_at)
    select case when $2 = 'SUCCESS' then 'refund.succeeded' else 'refund.failed' end, out_trade_no, $6::json, $5::timestamptz, $5::timestamptz
    from held where $2 <> 'PROCESSING'
  )
  update refunds r set refund_status = $2, refund_id = coalesce($3, r.refund_id), err_code = $4,
    accepted_at = case when r.refund_id is null and $3::text is not null then $5::timestamptz else r.accepted_at end
  from held where r.out_refund_no = held.out_refund_no
  returning to_jsonb(r) as refund`

/** The last condition is for the index to go by. */
const TAKE_UNFINISHED = `
  with taken as (
    select out_refund_no, coalesce(asked_at, created_at) as quiet_since from refunds
    where refund_status in ('PROCESSING', 'CHANGE') and (asked_at < $2::timestamptz or (asked_at is null and created_at <= $2::timestamptz))
      and coalesce(asked_at, created_at) <= $2::timestamptz
    order by quiet_since, out_refund_no
    limit $1::integer
    for update skip locked
  ), noted as (
    update refunds r set asked_at = $3::timestamptz from taken where r.out_refund_no = taken.out_refund_no returning r.*
  )
  select to_jsonb(noted) as refund from noted join taken using (out_refund_no) order by quiet_since, out_refund_no`

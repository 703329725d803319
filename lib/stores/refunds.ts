/**
 * Refunds on PostgreSQL. Every statement locks the refund first and then the order, so no two
 * statements wait for each other.
 */
import { toRefundView } from '../core/refund.ts'
import type { Refunds } from '../ports.ts'
import { INSERT_EVENT } from './events.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { createClaims } from './refund-claims.ts'
import { readRefund, refundJson } from './rows.ts'

export function createRefunds(sql: Sql): Refunds {
  const find: Refunds['find'] = async (outRefundNo) => {
    const [row] = await sql.query(
      `select ${refundJson('r')} as refund from refunds r where out_refund_no = $1`,
      [outRefundNo],
      REPEATABLE,
    )
    return row === undefined ? null : readRefund(row['refund'])
  }
  const changed = async (
    rows: readonly Record<string, unknown>[],
    outRefundNo: Parameters<Refunds['find']>[0],
  ) => {
    const refund = rows[0] === undefined ? await find(outRefundNo) : readRefund(rows[0]['refund'])
    if (refund === null) throw new Error('a refund vanished')
    return refund
  }

  return {
    find,

    async listByOrder(outTradeNo) {
      const rows = await sql.query(
        `select ${refundJson('r')} as refund from refunds r where out_trade_no = $1 order by created_at`,
        [outTradeNo],
        REPEATABLE,
      )
      return rows.map((row) => readRefund(row['refund']))
    },

    ...createClaims(sql),

    async accepted(refund, refundId, at) {
      return changed(
        await sql.query(ACCEPTED, [refund.outRefundNo, refundId, at], REPEATABLE),
        refund.outRefundNo,
      )
    },

    async postponed(refund, errCode, errText) {
      return changed(
        await sql.query(POSTPONED, [refund.outRefundNo, errCode, errText], REPEATABLE),
        refund.outRefundNo,
      )
    },

    async payoutRequested(refund, at) {
      return changed(
        await sql.query(PAYOUT_REQUESTED, [refund.outRefundNo, at], REPEATABLE),
        refund.outRefundNo,
      )
    },

    async payoutAccepted(refund, at) {
      return changed(
        await sql.query(PAYOUT_ACCEPTED, [refund.outRefundNo, at], REPEATABLE),
        refund.outRefundNo,
      )
    },

    async settle(refund, { refundStatus, refundId, errCode, errText }, at) {
      const event = toRefundView({
        ...refund,
        refundStatus,
        refundId: refundId ?? refund.refundId,
        errCode,
        errText,
      })
      const { outRefundNo, payoutRequestedAt } = refund
      const outcome = [refundStatus, refundId, errCode, at, event, errText]
      const params = [outRefundNo, ...outcome, payoutRequestedAt]
      return changed(await sql.query(SETTLE, params, REPEATABLE), outRefundNo)
    },

    async park(refund, at) {
      const params = [
        refund.outRefundNo,
        refund.refundStatus,
        refund.refundId,
        at,
        toRefundView(refund),
      ]
      return (await sql.query(PARK, params)).length > 0
    },

    async unpark(refund, at) {
      return changed(
        await sql.query(UNPARK, [refund.outRefundNo, at], REPEATABLE),
        refund.outRefundNo,
      )
    },

    async finishClosed(refund) {
      await sql.query(TAKEN_IN, [refund.outRefundNo], REPEATABLE)
    },

    async takeUnfinished(limit, dueAt, at) {
      const rows = await sql.query(TAKE_UNFINISHED, [limit, dueAt, at])
      return rows.map((row) => readRefund(row['refund']))
    },
  }
}

const ACCEPTED = `
  with held as (
    select out_refund_no, out_trade_no from refunds where out_refund_no = $1 and refund_status = 'PROCESSING' for update
  ), moved as (
    update orders o set trade_state = 'REFUND' from held where o.out_trade_no = held.out_trade_no and o.trade_state = 'SUCCESS'
  )
  update refunds r set refund_id = $2, err_code = null, err_text = null, accepted_at = case when r.refund_id is null then $3::timestamptz else r.accepted_at end,
    waiting_since = $3::timestamptz, parked_at = null
  from held where r.out_refund_no = held.out_refund_no
  returning ${refundJson('r')} as refund`

const POSTPONED = `
  update refunds set err_code = $2, err_text = $3 where out_refund_no = $1 and refund_status = 'PROCESSING' and refund_id is null
  returning ${refundJson('refunds')} as refund`

const PAYOUT_REQUESTED = `
  update refunds set payout_requested_at = $2::timestamptz, parked_at = null, waiting_since = $2::timestamptz, next_attempt_at = $2::timestamptz
  where out_refund_no = $1 and refund_status = 'CHANGE'
  returning ${refundJson('refunds')} as refund`

const PAYOUT_ACCEPTED = `
  update refunds set refund_status = 'PROCESSING', waiting_since = $2::timestamptz, next_attempt_at = $2::timestamptz
  where out_refund_no = $1 and refund_status = 'CHANGE' and payout_requested_at is not null
  returning ${refundJson('refunds')} as refund`

/**
 * A closed refund stays due, because its claim may have kept one of WeChat's refunds out of the
 * ledger.
 */
const SETTLE = `
  with held as (
    select out_refund_no, out_trade_no, refund_fee, refund_status from refunds
    where out_refund_no = $1 and refund_status in ('PROCESSING', 'CHANGE') and refund_status <> $2
      and ($3::text is not null or refund_id is null)
      and ($2 <> 'CHANGE' or payout_requested_at is not distinct from $8::timestamptz)
    for update
  ), moved as (
    update orders o set
      trade_state = case when $3::text is null then o.trade_state else 'REFUND' end,
      refunded_fee = o.refunded_fee + case when $2 = 'SUCCESS' then held.refund_fee else 0 end,
      claimed_fee = o.claimed_fee - case when $2 = 'REFUNDCLOSE' then held.refund_fee else 0 end
    from held where o.out_trade_no = held.out_trade_no
  ), told as (
    ${INSERT_EVENT}
    select case $2 when 'SUCCESS' then 'refund.succeeded' when 'CHANGE' then 'refund.needs_attention' else 'refund.failed' end,
      out_trade_no, $6::json, $5::timestamptz, $5::timestamptz
    from held where $2 <> 'PROCESSING'
  )
  update refunds r set refund_status = $2, refund_id = coalesce($3, r.refund_id), err_code = $4, err_text = $7,
    accepted_at = case when r.refund_id is null and $3::text is not null then $5::timestamptz else r.accepted_at end,
    waiting_since = $5::timestamptz, parked_at = null, next_attempt_at = case when $2 = 'SUCCESS' then null else $5::timestamptz end
  from held where r.out_refund_no = held.out_refund_no
  returning ${refundJson('r')} as refund`

/**
 * A refund in CHANGE gets a second event, because WeChat is not asked about it any more from now
 * on.
 */
const PARK = `
  with parked as (
    update refunds set parked_at = $4::timestamptz, next_attempt_at = null
    where out_refund_no = $1 and refund_status = $2 and refund_id is not distinct from $3::text and parked_at is null
      and refund_status in ('PROCESSING', 'CHANGE')
    returning out_trade_no
  ), told as (
    ${INSERT_EVENT}
    select 'refund.needs_attention', out_trade_no, $5::json, $4::timestamptz, $4::timestamptz from parked
  )
  select out_trade_no from parked`

const UNPARK = `
  update refunds set parked_at = null, waiting_since = $2::timestamptz, next_attempt_at = $2::timestamptz
  where out_refund_no = $1 and parked_at is not null
  returning ${refundJson('refunds')} as refund`

const TAKEN_IN = `update refunds set next_attempt_at = null where out_refund_no = $1 and refund_status = 'REFUNDCLOSE'`

/**
 * Must match the condition of the index `refunds_due`; otherwise PostgreSQL does not use the index.
 */
const UNFINISHED = `
  ((refund_status in ('PROCESSING', 'CHANGE') and parked_at is null) or (refund_status = 'REFUNDCLOSE' and next_attempt_at is not null))`

/**
 * Each pause is a quarter of the wait so far, between a minute and six hours: at most about 30
 * attempts in a day and 55 in a week.
 */
const NEXT_ATTEMPT_AT = `
  $3::timestamptz + greatest(interval '1 minute', least(interval '6 hours', ($3::timestamptz - coalesce(r.waiting_since, r.created_at)) / 4))`

const TAKE_UNFINISHED = `
  with taken as (
    select out_refund_no, coalesce(next_attempt_at, created_at) as due_at from refunds
    where ${UNFINISHED} and coalesce(next_attempt_at, created_at) <= $2::timestamptz
    order by due_at, out_refund_no
    limit $1::integer
    for update skip locked
  ), noted as (
    update refunds r set asked_at = $3::timestamptz, next_attempt_at = ${NEXT_ATTEMPT_AT}
    from taken where r.out_refund_no = taken.out_refund_no returning r.*
  )
  select ${refundJson('noted')} as refund from noted join taken using (out_refund_no) order by due_at, out_refund_no`

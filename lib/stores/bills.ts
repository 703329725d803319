/**
 * Bills on PostgreSQL. A batch of any size is one statement. A repeated comparison is harmless: its
 * marks replace the earlier ones, and the day's row tells which comparison counts.
 */
import * as v from 'valibot'
import { parseDay } from '../core/day.ts'
import { parsed } from '../validation/parsed.ts'
import type { Bills } from '../ports.ts'
import { beijingDate } from './beijing-date.ts'
import { incidentFingerprint } from './incident-fingerprint.ts'
import type { Sql } from './neon.ts'
import { readOrder, readRefund, refundJson } from './rows.ts'
import { findPayments, findRefunds } from './unbilled.ts'

const dueRows = v.array(v.object({ day: parsed(v.string(), parseDay, 'a day') }))
const claimRows = v.array(v.object({ comparison: v.number() }))

/**
 * A column of a batch as one text, which PostgreSQL splits again. As arrays, a million rows need
 * several times the memory, because the driver quotes and escapes each element. No value contains a
 * line feed.
 */
const list = <T>(rows: readonly T[], column: (row: T) => string | number): string =>
  rows.map(column).join('\n')

const lineOf = (row: Record<string, unknown>) => v.parse(v.number(), row['line'])

export const createBills = (sql: Sql): Bills => ({
  async due(from, to, always) {
    return v.parse(dueRows, await sql.query(DUE, [from, to, always])).map(({ day }) => day)
  },

  async claim(day, wanted, at, leaseUntil) {
    const [row] = v.parse(
      claimRows,
      await sql.query(CLAIM, [day, at, leaseUntil, wanted === 'again']),
    )
    return row === undefined ? null : { day, comparison: row.comparison, leaseUntil }
  },

  async matchPayments({ day, comparison }, rows) {
    const columns = [
      list(rows, (row) => row.outTradeNo),
      list(rows, (row) => row.transactionId),
      list(rows, (row) => row.totalFee),
      list(rows, (row) => row.feeType),
    ]
    const differing = await sql.query(MATCH_PAYMENTS, [day, comparison, ...columns])
    return differing.flatMap((found) => {
      const row = rows[lineOf(found) - 1]
      return row === undefined
        ? []
        : [{ row, known: found['order'] === null ? null : readOrder(found['order']).order }]
    })
  },

  async matchRefunds({ day, comparison }, rows) {
    const columns = [
      list(rows, (row) => row.outRefundNo),
      list(rows, (row) => row.outTradeNo),
      list(rows, (row) => row.refundId),
      list(rows, (row) => row.refundFee),
      list(rows, (row) => row.refundStatus),
    ]
    const differing = await sql.query(MATCH_REFUNDS, [day, comparison, ...columns])
    return differing.flatMap((found) => {
      const row = rows[lineOf(found) - 1]
      return row === undefined
        ? []
        : [{ row, known: found['refund'] === null ? null : readRefund(found['refund']) }]
    })
  },

  async list({ day, comparison, leaseUntil }, position, differences) {
    const rows = differences.map((difference, index) => ({
      ...difference,
      position: position + index,
      fingerprint: incidentFingerprint(difference.kind, difference.outTradeNo, difference.received),
    }))
    await sql.query(LIST, [day, comparison, leaseUntil, JSON.stringify(rows)])
  },

  unbilledPayments: (claim, account, marginMs) => findPayments(sql, claim, account, marginMs),
  unbilledRefunds: (claim, account, marginMs) => findRefunds(sql, claim, account, marginMs),

  async finish(
    { day, comparison, leaseUntil },
    { outcome, payments, refunds, settled, differences, totalFee, refundFee },
    at,
  ) {
    const counts = [payments, refunds, settled, differences, totalFee, refundFee]
    return (
      (await sql.query(FINISH, [day, comparison, leaseUntil, at, outcome, ...counts])).length > 0
    )
  },

  async giveBack({ day, comparison, leaseUntil }, marks) {
    await sql.query(GIVE_BACK, [day, comparison, leaseUntil, marks === 'void' ? 1 : 0])
  },
})

/** The order with the lowest `id` is the earliest, give or take a second, and `id` has an index. */
const DUE = `
  select d.day::date::text as day
  from generate_series($1::date, $2::date, interval '1 day') as d (day)
  where not exists (select from bills b where b.day = d.day::date and b.compared_at is not null)
    and (d.day::date = $3::date or d.day::date >= (select ${beijingDate('created_at')} from orders order by id limit 1))
  order by d.day`

/** Deletes the differences that an unfinished comparison of the day has listed. */
const CLAIM = `
  with claimed as (
    insert into bills as b (day, claimed_until) values ($1::date, $3::timestamptz)
    on conflict (day) do update set claimed_until = $3::timestamptz
    where (b.claimed_until is null or b.claimed_until <= $2::timestamptz) and (b.compared_at is null or $4::boolean)
    returning b.day, b.comparison, b.listed_claim
  ), unfinished as (
    delete from bill_differences d using claimed c where d.day = c.day and d.claim is distinct from c.listed_claim
  )
  select comparison from claimed`

/** A column that was sent as one text; see `list`. */
const listed = (param: string) => `string_to_array(${param}, E'\\n')`

/**
 * The order number alone decides whether a payment is marked. A row with other values is one
 * difference already; an unmarked payment would be a second one.
 */
const MATCH_PAYMENTS = `
  with billed as (
    select * from unnest(${listed('$3')}, ${listed('$4')}, ${listed('$5')}::integer[], ${listed('$6')}) with ordinality
      as b (out_trade_no, transaction_id, total_fee, fee_type, line)
  ), marked as (
    update payments set billed_on = $1::date, billed_in = $2::integer
    where out_trade_no = any(${listed('$3')}) and (billed_on, billed_in) is distinct from ($1::date, $2::integer)
  )
  select b.line::integer as line, to_jsonb(o) as "order"
  from billed b
    left join payments p on p.out_trade_no = b.out_trade_no and p.transaction_id = b.transaction_id and p.total_fee = b.total_fee
      and b.fee_type = 'CNY'
    left join orders o on o.out_trade_no = b.out_trade_no
  where p.out_trade_no is null
  order by b.line`

/**
 * A bill keeps the status that a refund had when the bill was made, while the ledger moves on. So
 * only a pair in which neither status can follow the other is a difference.
 */
const MATCH_REFUNDS = `
  with billed as (
    select * from unnest(${listed('$3')}, ${listed('$4')}, ${listed('$5')}, ${listed('$6')}::integer[], ${listed('$7')}) with ordinality
      as b (out_refund_no, out_trade_no, refund_id, refund_fee, refund_status, line)
  ), marked as (
    update refunds set billed_on = $1::date, billed_in = $2::integer
    where out_refund_no = any(${listed('$3')}) and (billed_on, billed_in) is distinct from ($1::date, $2::integer)
  )
  select b.line::integer as line, ${refundJson('r')} as refund
  from billed b left join refunds r on r.out_refund_no = b.out_refund_no
  where r.out_refund_no is null
    or (r.out_trade_no, r.refund_id, r.refund_fee) is distinct from (b.out_trade_no, b.refund_id, b.refund_fee)
    or (b.refund_status, r.refund_status) in (('SUCCESS', 'REFUNDCLOSE'), ('FAIL', 'SUCCESS'))
  order by b.line`

/** `position` is part of the key, so a repeated statement lists nothing twice. */
const LIST = `
  insert into bill_differences (day, claim, position, fingerprint, kind, out_trade_no, expected, received)
  select b.day, b.claimed_until, d.position, d.fingerprint, d.kind, d."outTradeNo", d.expected, d.received
  from bills b, jsonb_to_recordset($4::jsonb) as d (position integer, fingerprint text, kind text, "outTradeNo" text,
    expected jsonb, received jsonb)
  where b.day = $1::date and b.comparison = $2::integer and b.claimed_until = $3::timestamptz
  on conflict do nothing`

/** Deletes the differences that an earlier comparison of the day has listed. */
const FINISH = `
  with finished as (
    update bills set compared_at = $4::timestamptz, outcome = $5, payments = $6::integer, refunds = $7::integer,
      settled = $8::integer, differences = $9::integer, total_fee = $10::bigint, refund_fee = $11::bigint,
      comparison = comparison + 1, claimed_until = null, listed_claim = claimed_until, listed_at = $4::timestamptz
    where day = $1::date and comparison = $2::integer and claimed_until = $3::timestamptz
    returning day
  ), replaced as (
    delete from bill_differences d using finished f where d.day = f.day and d.claim <> $3::timestamptz
  )
  select from finished`

const GIVE_BACK = `
  update bills set claimed_until = null, comparison = comparison + $4::integer
  where day = $1::date and comparison = $2::integer and claimed_until = $3::timestamptz`

/** The results of comparisons. A page reads only its own days or differences. */
import * as v from 'valibot'
import { parseDay } from '../core/day.ts'
import type { BillReport, BillReports, ListedDifference } from '../ports.ts'
import { parsed } from '../validation/parsed.ts'
import { beijingDate } from './beijing-date.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { time } from './rows.ts'

/**
 * Whether the list and the sums belong to the result. An earlier version of this project compares a
 * day again without changing them.
 */
const IS_LISTED = 'b.listed_at = b.compared_at'

/** The row `b` of a day as JSON. Its columns are null for a day without a row. */
const billJson = (day: string) => `(
  select to_jsonb(r) from (
    select ${day}::date::text as day, b.compared_at, b.outcome, b.payments, b.refunds, b.settled, b.differences,
      case when ${IS_LISTED} then b.listed_claim end as claim,
      case when ${IS_LISTED} then jsonb_build_object('totalFee', b.total_fee, 'refundFee', b.refund_fee) end as sums
  ) r)`

const DAYS = `
  select ${billJson('d.day')} as bill
  from (
    select least($2::date - 1, greatest($1::date, (select max(day) from bills))) as last,
      least((select ${beijingDate('created_at')} from orders order by id limit 1), (select min(day) from bills)) as first
  ) span
    cross join lateral generate_series(
      span.last::timestamp, greatest(span.first, span.last + 1 - $3::integer)::timestamp, interval '-1 day') as d (day)
    left join bills b on b.day = d.day::date
  where span.first <= span.last
  order by d.day desc`

const DIFFERENCES = `
  select ${billJson('asked.day')} as bill, page.differences
  from (select $1::date as day) asked
    left join bills b on b.day = asked.day
    cross join lateral (
      select coalesce(jsonb_agg(to_jsonb(d) || jsonb_build_object('incident', to_jsonb(i)) order by d.position), '[]') as differences
      from (
        select * from bill_differences
        where day = b.day and claim = b.listed_claim and ${IS_LISTED} and position > $2::integer
        order by position limit $3::integer
      ) d
        left join incidents i on i.fingerprint = d.fingerprint
    ) page`

const billRow = v.pipe(
  v.object({
    day: parsed(v.string(), parseDay, 'a day'),
    compared_at: v.nullable(time),
    outcome: v.nullable(v.picklist(['compared', 'empty', 'too_different'])),
    payments: v.nullable(v.number()),
    refunds: v.nullable(v.number()),
    settled: v.nullable(v.number()),
    differences: v.nullable(v.number()),
    sums: v.nullable(v.object({ totalFee: v.number(), refundFee: v.number() })),
    claim: v.nullable(time),
  }),
  v.transform(({ day, compared_at, claim, outcome, ...row }) => {
    const { payments, refunds, settled, differences, sums } = row
    const report: BillReport = {
      day,
      compared:
        compared_at === null || outcome === null
          ? null
          : {
              at: compared_at,
              outcome,
              payments: payments ?? 0,
              refunds: refunds ?? 0,
              settled: settled ?? 0,
              differences: differences ?? 0,
              sums,
            },
    }
    return { report, claim }
  }),
)

const facts = v.record(v.string(), v.nullable(v.union([v.string(), v.number()])))
const incident = v.pipe(
  v.object({ id: v.number(), handled_at: v.nullable(time), note: v.nullable(v.string()) }),
  v.transform(({ id, handled_at, note }) => ({
    id,
    handled: handled_at === null ? null : { at: handled_at, note: note ?? '' },
  })),
)
const differenceRow = v.pipe(
  v.object({
    position: v.number(),
    kind: v.string(),
    out_trade_no: v.nullable(v.string()),
    expected: facts,
    received: facts,
    incident: v.nullable(incident),
  }),
  v.transform(({ out_trade_no, ...row }) => ({ ...row, outTradeNo: out_trade_no })),
)
const differencesRow = v.object({ bill: billRow, differences: v.array(differenceRow) })

function withoutPosition(row: v.InferOutput<typeof differenceRow>): ListedDifference {
  const { position: _, ...difference } = row
  return difference
}

export const createBillReports = (sql: Sql): BillReports => ({
  async days(ready, before, limit) {
    const rows = await sql.query(DAYS, [ready, before, limit + 1], REPEATABLE)
    const stored = rows.map((row) => v.parse(billRow, row['bill']).report)
    const bills = stored.slice(0, limit)
    return { bills, next: stored.length > limit ? (bills.at(-1)?.day ?? null) : null }
  },

  async differences(day, after, limit) {
    const [row] = await sql.query(DIFFERENCES, [day, after?.position ?? -1, limit + 1], REPEATABLE)
    const { bill, differences: found } = v.parse(differencesRow, row)
    const { report, claim } = bill
    if (after !== null && claim?.getTime() !== after.comparison.getTime()) return null
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1) : undefined
    return {
      bill: report,
      differences: page.map(withoutPosition),
      next:
        last === undefined || claim === null
          ? null
          : { comparison: claim, position: last.position },
    }
  },
})

/**
 * The work that waits for a person, and the takings. Each part reads an index with only the rows
 * that wait, or only the days that are asked for.
 */
import * as v from 'valibot'
import { parseDay, type Day } from '../core/day.ts'
import type { Overviews, Takings } from '../ports.ts'
import { parsed } from '../validation/parsed.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readRefund, refundJson, time } from './rows.ts'

/** The first moment of a day in Beijing, `after` days later. */
const startOf = (day: string, after = 0) =>
  `((${day}::timestamp + interval '${after} days' - interval '8 hours') at time zone 'UTC')`

/**
 * `accepted_at` is null for a refund that was made in WeChat's own console. It counts from the time
 * at which it was stored.
 */
const REFUNDED_AT = 'coalesce(accepted_at, created_at)'

/** Index-only scans of the day, so that a year of a large shop takes seconds. */
const takingsOf = (day: string) => `(
  select jsonb_build_object('day', ${day}::date::text, 'payments', p.sums, 'refunds', r.sums) as takings from (
    select jsonb_build_object('count', count(*), 'totalFee', coalesce(sum(total_fee), 0)) as sums
    from payments where paid_at >= ${startOf(day)} and paid_at < ${startOf(day, 1)}
  ) p cross join (
    select jsonb_build_object('count', count(*), 'refundFee', coalesce(sum(refund_fee), 0)) as sums
    from refunds where refund_status <> 'REFUNDCLOSE' and refund_id is not null
      and ${REFUNDED_AT} >= ${startOf(day)} and ${REFUNDED_AT} < ${startOf(day, 1)}
  ) r)`

const TAKINGS = `
  select t.takings from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') as d (day)
    cross join lateral ${takingsOf('d.day')} t
  order by d.day desc`

const waiting = (since: string, from: string) =>
  `(select jsonb_build_object('count', count(*), 'oldest', min(${since})) from ${from})`

/** The first condition is that of the index `complaints_open`, so that the index is used. */
const complaintsThat = (condition: string) =>
  waiting('complained_at', `complaints where state <> 'PROCESSED' and ${condition}`)

const IS_AWAITED = `(content ->> 'isReplyAwaited')::boolean`

/** How many of the refunds are listed. */
const REFUNDS = 20
const DAYS_OF_BILLS = 90

/**
 * The first condition is the same as in the index `refunds_unfinished`, so that the index is used.
 */
const REFUNDS_IN_NEED = `
  refund_status in ('PROCESSING', 'CHANGE') and (refund_status = 'CHANGE' or parked_at is not null
    or (refund_id is null and coalesce(waiting_since, created_at) < $3::timestamptz - interval '1 day'))`

/**
 * Whether the differences of a day are listed, each with its own incident. An earlier version lists
 * no differences, and more than 500 differences share one incident.
 */
const HAS_INCIDENTS = `b.listed_at = b.compared_at and b.outcome <> 'too_different'`

/** With `exists`, PostgreSQL would read the differences of all days. */
const WAITS_BY_LIST = `(
  select i.id from bill_differences l join incidents i on i.fingerprint = l.fingerprint
  where l.day = b.day and l.claim = b.listed_claim and i.handled_at is null
  limit 1) is not null`

/** Looks at the incidents that cron recorded between that day and the comparison. */
const WAITS_BY_TIME = `exists (
  select from incidents i where i.handled_at is null and i.source = 'cron'
    and i.occurred_at >= ${startOf('d.day')} and i.occurred_at <= b.compared_at)`

const BILLS = `
  select jsonb_build_object('day', d.day::date::text, 'outcome', b.outcome, 'differences', b.differences) as bill
  from generate_series($2::date::timestamp - interval '${DAYS_OF_BILLS - 1} days', $2::date::timestamp, interval '1 day') as d (day)
    left join bills b on b.day = d.day::date
  where case when b.compared_at is null
    then d.day >= (select date_trunc('day', created_at at time zone 'UTC' + interval '8 hours') from orders order by id limit 1)
    else b.differences > 0 and case when ${HAS_INCIDENTS} then ${WAITS_BY_LIST} else ${WAITS_BY_TIME} end end
  order by d.day desc`

const OVERVIEW = `
  select jsonb_build_object(
    'incidents', ${waiting('occurred_at', 'incidents where handled_at is null')},
    'parkedEvents', ${waiting('created_at', 'events where delivered_at is null and next_attempt_at is null')},
    'shipments', ${waiting(
      'paid_at',
      `orders where shipped_at is null and (overdue_at is not null or shipping_state = 'FAILED')
         and refunded_fee < total_fee`,
    )},
    'pending', ${complaintsThat(`state = 'PENDING'`)},
    'awaited', ${complaintsThat(`state = 'PROCESSING' and ${IS_AWAITED}`)},
    'replied', ${complaintsThat(`state = 'PROCESSING' and not ${IS_AWAITED}`)},
    'refundCount', (select count(*) from refunds where ${REFUNDS_IN_NEED}),
    'refunds', (select coalesce(jsonb_agg(refund), '[]') from (
      select ${refundJson('r')} as refund from refunds r where ${REFUNDS_IN_NEED}
      order by created_at limit ${REFUNDS}) first),
    'bills', (select coalesce(jsonb_agg(bill), '[]') from (${BILLS}) open),
    'takings', (select takings from ${takingsOf('$1::date')} today)
  ) as overview`

const day = parsed(v.string(), parseDay, 'a day')
const takingsRow = v.object({
  day,
  payments: v.object({ count: v.number(), totalFee: v.number() }),
  refunds: v.object({ count: v.number(), refundFee: v.number() }),
})
const waitingRow = v.object({ count: v.number(), oldest: v.nullable(time) })
const overviewRow = v.object({
  incidents: waitingRow,
  parkedEvents: waitingRow,
  shipments: waitingRow,
  pending: waitingRow,
  awaited: waitingRow,
  replied: waitingRow,
  refundCount: v.number(),
  refunds: v.array(v.unknown()),
  bills: v.array(
    v.object({
      day,
      outcome: v.nullable(v.picklist(['compared', 'empty', 'too_different'])),
      differences: v.nullable(v.number()),
    }),
  ),
  takings: takingsRow,
})

export const createOverviews = (sql: Sql): Overviews => ({
  async overview(today, lastBill, at) {
    const [row] = await sql.query(OVERVIEW, [today, lastBill, at], REPEATABLE)
    const read = v.parse(overviewRow, row?.['overview'])
    const { incidents, parkedEvents, shipments, pending, awaited, replied, takings } = read
    return {
      incidents,
      parkedEvents,
      shipments,
      complaints: { pending, awaited, replied },
      refunds: { count: read.refundCount, first: read.refunds.map(readRefund) },
      bills: read.bills.map(({ day: of, outcome, differences }) => ({
        day: of,
        result: outcome === null ? null : { outcome, differences: differences ?? 0 },
      })),
      takings,
    }
  },

  async takings(from: Day, to: Day): Promise<readonly Takings[]> {
    const rows = await sql.query(TAKINGS, [from, to], REPEATABLE)
    return rows.map((row) => v.parse(takingsRow, row['takings']))
  },
})

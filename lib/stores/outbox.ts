import * as v from 'valibot'
import type { Outbox } from '../ports.ts'
import { eventData, eventType } from './event-rows.ts'
import { REPEATABLE, type Sql } from './neon.ts'

const eventRows = v.array(
  v.object({
    id: v.string(),
    type: eventType,
    created_at: v.date(),
    data: eventData,
    attempts: v.number(),
    taken_at: v.date(),
    first_attempt_at: v.date(),
    unfinished: v.boolean(),
  }),
)

/**
 * True for an event that is neither delivered nor parked. With `delivered_at is null` instead,
 * PostgreSQL could use any index of undelivered events. Its statistics are older than the events
 * that wait, so it expects none. It would choose the smallest index and read every waiting event.
 * As it is, only `events_by_order` can be used.
 */
const IS_WAITING = (row: string) =>
  `coalesce(${row}.delivered_at, 'infinity') = 'infinity' and ${row}.next_attempt_at is not null`

/**
 * An event waits while an earlier one of its order is not delivered yet. An event without a next
 * attempt is parked.
 *
 * After the merchant's system was down for hours, 100,000 events may be due. Only the first ones
 * are read, and those before them that wait for an earlier one, with four pages each. The plan must
 * not depend on the statistics, so:
 *
 * - `generate_series` returns one row for each event, but PostgreSQL expects a thousand. It
 *   therefore avoids a sort, reads `events_due` in order, and stops at the limit.
 * - The limit is part of the text, so PostgreSQL always knows how few events are updated.
 * - `coalesce` makes PostgreSQL look up the earlier events of each row. `not exists` would join the
 *   waiting events with themselves.
 */
const takeDue = (limit: number) => `
  with due as (
    select e.id, e.taken_at is not null as unfinished
    from events e cross join lateral generate_series(e.seq, e.seq)
    where e.delivered_at is null and e.next_attempt_at <= $1::timestamptz and coalesce((
      select false from events earlier
      where earlier.out_trade_no = e.out_trade_no and earlier.seq < e.seq and ${IS_WAITING('earlier')}
      limit 1
    ), true)
    order by e.next_attempt_at, e.seq
    limit ${limit}
    for update of e skip locked
  ), taken as (
    update events e set taken_at = $1::timestamptz, next_attempt_at = $2::timestamptz,
      first_attempt_at = case when e.attempts = 0 and not due.unfinished then $1::timestamptz else coalesce(e.first_attempt_at, $1::timestamptz) end
    from due where e.id = due.id
    returning e.seq, e.id, e.type, e.created_at, e.data, e.attempts, e.taken_at, e.first_attempt_at, due.unfinished
  )
  select id, type, created_at, data, attempts, taken_at, first_attempt_at, unfinished from taken order by seq`

const waitingRows = v.array(v.object({ waiting: v.boolean() }))

/** One entry of `history`. */
const attempt = (at: string, code: string) =>
  `jsonb_build_object('at', ${at}::timestamptz, 'code', ${code})`

const MARK_DELIVERED = `
  update events e set delivered_at = $2::timestamptz, attempts = attempts + 1, next_attempt_at = null, taken_at = null,
    history = history || ${attempt('$2', `'delivered'`)}
  where id = $1
  returning exists (
    select from events later
    where later.out_trade_no = e.out_trade_no and later.seq > e.seq and ${IS_WAITING('later')}
  ) as waiting`

const RECORD_FAILURE = `
  update events set attempts = attempts + 1, next_attempt_at = $3::timestamptz, taken_at = null,
    history = history || ${attempt('$4', '$5::text')}
  where id = $1 and delivered_at is null and taken_at = $2::timestamptz`

export const createOutbox = (sql: Sql): Outbox => ({
  async takeDue(limit, at, leaseUntil) {
    const rows = v.parse(eventRows, await sql.query(takeDue(limit), [at, leaseUntil]))
    return rows.map(({ id, type, data, attempts, ...row }) => ({
      id,
      type,
      data,
      attempts,
      createdAt: row.created_at,
      takenAt: row.taken_at,
      firstAttemptAt: row.first_attempt_at,
      isUnfinished: row.unfinished,
    }))
  },

  async markDelivered(id, at) {
    return v
      .parse(waitingRows, await sql.query(MARK_DELIVERED, [id, at]))
      .some((row) => row.waiting)
  },

  async reschedule(event, { code, at }, nextAttemptAt) {
    const params = [event.id, event.takenAt, nextAttemptAt, at, code]
    await sql.query(RECORD_FAILURE, params, REPEATABLE)
  },
})

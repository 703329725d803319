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
 * An event waits while an earlier one of its order is not delivered yet. An event without a next
 * attempt is parked.
 *
 * `coalesce` makes PostgreSQL read the index `events_due` in order and look up the earlier events
 * of each row. After the merchant's system was down for hours, `not exists` would join 100,000
 * waiting events with themselves, because the statistics are older than these events.
 */
const TAKE_DUE = `
  with due as (
    select e.id, e.taken_at is not null as unfinished from events e
    where e.delivered_at is null and e.next_attempt_at <= $2::timestamptz and coalesce((
      select false from events earlier
      where earlier.out_trade_no = e.out_trade_no and earlier.seq < e.seq
        and earlier.delivered_at is null and earlier.next_attempt_at is not null
      limit 1
    ), true)
    order by e.next_attempt_at, e.seq
    limit $1::integer
    for update skip locked
  ), taken as (
    update events e set taken_at = $2::timestamptz, next_attempt_at = $3::timestamptz,
      first_attempt_at = case when e.attempts = 0 and not due.unfinished then $2::timestamptz else coalesce(e.first_attempt_at, $2::timestamptz) end
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
    where later.out_trade_no = e.out_trade_no and later.seq > e.seq and later.delivered_at is null and later.next_attempt_at is not null
  ) as waiting`

const RECORD_FAILURE = `
  update events set attempts = attempts + 1, next_attempt_at = $3::timestamptz, taken_at = null,
    history = history || ${attempt('$4', '$5::text')}
  where id = $1 and delivered_at is null and taken_at = $2::timestamptz`

export const createOutbox = (sql: Sql): Outbox => ({
  async takeDue(limit, at, leaseUntil) {
    const rows = v.parse(eventRows, await sql.query(TAKE_DUE, [limit, at, leaseUntil]))
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

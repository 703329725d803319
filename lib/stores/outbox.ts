import * as v from 'valibot'
import type { Outbox, StoredEvent } from '../ports.ts'
import type { Sql } from './neon.ts'

const eventRows = v.array(
  v.object({
    id: v.string(),
    type: v.picklist(['order.paid', 'order.closed', 'refund.succeeded', 'refund.failed', 'payment.incident']),
    created_at: v.date(),
    data: v.custom<StoredEvent['data']>((data) => typeof data === 'object' && data !== null),
    attempts: v.number(),
  }),
)

/** An event waits while an earlier one of its order is still to be delivered; one without a next attempt is parked. */
const TAKE_DUE = `
  update events set attempts = attempts + 1, next_attempt_at = $3::timestamptz
  where id in (
    select e.id from events e
    where e.delivered_at is null and e.next_attempt_at <= $2::timestamptz and not exists (
      select from events earlier
      where earlier.out_trade_no = e.out_trade_no and earlier.seq < e.seq
        and earlier.delivered_at is null and earlier.next_attempt_at is not null
    )
    order by e.seq
    limit $1::integer
    for update skip locked
  )
  returning id, type, created_at, data, attempts - 1 as attempts`

export const createOutbox = (sql: Sql): Outbox => ({
  async takeDue(limit, at, leaseUntil) {
    const rows = v.parse(eventRows, await sql.query(TAKE_DUE, [limit, at, leaseUntil]))
    return rows.map(({ created_at, ...event }) => ({ ...event, createdAt: created_at }))
  },

  async delivered(id, at) {
    await sql.query('update events set delivered_at = $2::timestamptz, next_attempt_at = null where id = $1', [id, at])
  },

  async failed(id, nextAttemptAt) {
    await sql.query('update events set next_attempt_at = $2::timestamptz where id = $1 and delivered_at is null', [id, nextAttemptAt])
  },
})

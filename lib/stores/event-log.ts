import * as v from 'valibot'
import type { Delivery, EventLog, LoggedEvent } from '../ports.ts'
import { eventData, eventType } from './event-rows.ts'
import type { Sql } from './neon.ts'
import { isWithin } from './period.ts'
import { time } from './rows.ts'

const eventRow = v.object({
  id: v.string(),
  type: eventType,
  out_trade_no: v.nullable(v.string()),
  data: eventData,
  created_at: time,
  next_attempt_at: v.nullable(time),
  delivered_at: v.nullable(time),
  history: v.array(v.object({ at: time, code: v.string() })),
})

function readEvent(json: unknown): LoggedEvent {
  const { id, type, data, history, ...row } = v.parse(eventRow, json)
  return {
    id,
    type,
    data,
    outTradeNo: row.out_trade_no,
    createdAt: row.created_at,
    delivery: deliveryOf(row),
    attempts: history,
  }
}

function deliveryOf(row: {
  readonly delivered_at: Date | null
  readonly next_attempt_at: Date | null
}): Delivery {
  if (row.delivered_at !== null) return { state: 'delivered', deliveredAt: row.delivered_at }
  if (row.next_attempt_at !== null) return { state: 'waiting', nextAttemptAt: row.next_attempt_at }
  return { state: 'parked' }
}

const CONDITIONS = {
  undelivered: 'delivered_at is null',
  parked: 'delivered_at is null and next_attempt_at is null',
} as const

/**
 * A delivery that is under way cannot record a failure any more, because its lease ends. If it
 * succeeds, the event is delivered, and is not sent a second time.
 */
const SEND_AGAIN = `
  update events e set delivered_at = null, attempts = 0, first_attempt_at = null, taken_at = null,
    next_attempt_at = $2::timestamptz
  where id = $1
  returning to_jsonb(e) as event`

export const createEventLog = (sql: Sql): EventLog => ({
  async list({ state, outTradeNo, created, before, limit }) {
    const params: unknown[] = [limit + 1]
    const param = (value: unknown, type = 'text') => `$${String(params.push(value))}::${type}`
    const conditions = ['true']
    if (state !== null) conditions.push(CONDITIONS[state])
    if (outTradeNo !== null) conditions.push(`out_trade_no = ${param(outTradeNo)}`)
    if (created !== null) conditions.push(...isWithin('created_at', created, param))
    const [position, newestFirst] =
      created === null ? ['seq', 'seq desc'] : ['created_at, seq', 'created_at desc, seq desc']
    if (before !== null)
      conditions.push(
        `(${position}) < (select ${position} from events where id = ${param(before)})`,
      )
    const rows = await sql.query(
      `select to_jsonb(e) as event from events e where ${conditions.join(' and ')}
       order by ${newestFirst} limit $1::integer`,
      params,
    )
    const stored = rows.map((row) => readEvent(row['event']))
    const events = stored.slice(0, limit)
    return { events, next: stored.length > limit ? (events.at(-1)?.id ?? null) : null }
  },

  async sendAgain(id, at) {
    const [row] = await sql.query(SEND_AGAIN, [id, at])
    return row === undefined ? null : readEvent(row['event'])
  },
})

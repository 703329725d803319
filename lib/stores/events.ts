import type { Sql } from './neon.ts'

/** Begins the part of a statement that appends an event. No statement writes an event without it. */
export const INSERT_EVENT =
  'insert into events (type, out_trade_no, data, created_at, next_attempt_at)'

/**
 * Calls `noteEvent` after every statement that may have written an event: one with `INSERT_EVENT` that returns a row. A call
 * too many costs a look at the outbox; a missing one would leave the event to cron.
 */
export const watchEvents = (sql: Sql, noteEvent: () => void): Sql => ({
  ...sql,
  async query(text, params) {
    const rows = await sql.query(text, params)
    if (rows.length > 0 && text.includes(INSERT_EVENT)) noteEvent()
    return rows
  },
})

import type { Sql } from './neon.ts'

/** Begins the part of a statement that appends an event. `watchEvents` recognizes it. */
export const INSERT_EVENT =
  'insert into events (type, out_trade_no, data, created_at, next_attempt_at)'

/**
 * Calls `noteEvent` after every statement that may have written an event: one with `INSERT_EVENT`
 * that returns a row. A call without an event costs one read of the outbox. An event without a call
 * waits for the next catch-up or cron.
 */
export const watchEvents = (sql: Sql, noteEvent: () => void): Sql => ({
  ...sql,
  async query(text, params, how) {
    const rows = await sql.query(text, params, how)
    if (rows.length > 0 && text.includes(INSERT_EVENT)) noteEvent()
    return rows
  },
})

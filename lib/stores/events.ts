import type { Sql } from './neon.ts'

/**
 * The beginning of the part of a statement that appends an event. Every statement that writes an
 * event uses it.
 */
export const INSERT_EVENT =
  'insert into events (type, out_trade_no, data, created_at, next_attempt_at)'

/**
 * Calls `noteEvent` after every statement that may have written an event: one with `INSERT_EVENT`
 * that returns a row. An unnecessary call costs one read of the outbox. Without a necessary one,
 * the event waits for cron.
 */
export const watchEvents = (sql: Sql, noteEvent: () => void): Sql => ({
  ...sql,
  async query(text, params) {
    const rows = await sql.query(text, params)
    if (rows.length > 0 && text.includes(INSERT_EVENT)) noteEvent()
    return rows
  },
})

/**
 * Whether the database would take a write, asked without one: a probe that anybody may call must leave nothing behind.
 *
 * A replica and a database switched to reading say so in `transaction_read_only`. Neon refuses a write only where a table has
 * to grow past the plan's storage, which a small test write would not show: the sizes are compared instead. Close to the
 * limit a write may fail before this does; the log then says `quota`.
 */
import * as v from 'valibot'
import type { Sql } from './neon.ts'

const TABLES = 'orders, payments, events, refunds, shipments, incidents, bills, users, products'

const PROBE = `
  select current_setting('transaction_read_only') = 'on' as read_only,
    (select bool_and(has_table_privilege(name, privilege))
      from unnest(string_to_array('${TABLES}', ', ')) as name, unnest(array['select', 'insert', 'update']) as privilege) as permitted,
    coalesce((select sum(pg_database_size(oid)) from pg_database where datallowconn and has_database_privilege(oid, 'connect'))
      >= nullif(greatest(pg_size_bytes(nullif(current_setting('neon.max_cluster_size', true), '')), 0), 0), false) as full,
    (select id from orders order by id limit 1) as read`

const rows = v.tuple([v.object({ read_only: v.boolean(), permitted: v.boolean(), full: v.boolean() })])

/** Null: it reads, and nothing speaks against a write. One round trip. */
export async function findWriteObstacle(sql: Sql): Promise<'read_only' | 'permission' | 'quota' | null> {
  const [row] = v.parse(rows, await sql.query(PROBE))
  if (row.read_only) return 'read_only'
  if (!row.permitted) return 'permission'
  return row.full ? 'quota' : null
}

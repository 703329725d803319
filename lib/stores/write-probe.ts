/**
 * Finds out whether the database would accept a write, without writing: anyone may trigger the
 * probe, so it stores nothing.
 *
 * `transaction_read_only` is on in a replica and in a read-only database. When the storage of the
 * plan is used up, Neon refuses a write only if a table must grow, so a small test write would
 * still succeed; the sizes are compared instead. Close to the limit a write can fail before this
 * probe detects it; the log then has `quota`.
 */
import * as v from 'valibot'
import type { Sql } from './neon.ts'

const TABLES =
  'orders, payments, events, refunds, shipments, incidents, bills, complaints, users, products'

const PROBE = `
  select current_setting('transaction_read_only') = 'on' as read_only,
    (select bool_and(has_table_privilege(name, privilege))
      from unnest(string_to_array('${TABLES}', ', ')) as name, unnest(array['select', 'insert', 'update']) as privilege) as permitted,
    coalesce((select sum(pg_database_size(oid)) from pg_database where datallowconn and has_database_privilege(oid, 'connect'))
      >= nullif(greatest(pg_size_bytes(nullif(current_setting('neon.max_cluster_size', true), '')), 0), 0), false) as full,
    (select id from orders order by id limit 1) as read`

const rows = v.tuple([
  v.object({ read_only: v.boolean(), permitted: v.boolean(), full: v.boolean() }),
])

/** Null if the database reads and accepts writes. One round trip. */
export async function findWriteObstacle(
  sql: Sql,
): Promise<'read_only' | 'permission' | 'quota' | null> {
  const [row] = v.parse(rows, await sql.query(PROBE))
  if (row.read_only) return 'read_only'
  if (!row.permitted) return 'permission'
  return row.full ? 'quota' : null
}

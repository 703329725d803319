/**
 * Builds the indexes of large tables while the tables stay in use, and rebuilds indexes that an
 * earlier run left incomplete.
 *
 * `create index concurrently` runs outside a transaction. If it ends early, PostgreSQL keeps the
 * index and marks it invalid: queries do not use it, and its name is taken. Such an index is
 * dropped here and built again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { Unavailable } from '../../lib/core/failure.ts'
import { DatabaseError } from '../../lib/stores/database-failure.ts'
import type { Sql } from '../../lib/stores/neon.ts'
import type { Index } from '../../lib/stores/migration.ts'
import { migrations } from '../../lib/stores/schema.ts'

export const largeIndexes: readonly Index[] = migrations.flatMap(({ indexes = [] }) => indexes)

/** Pause between two checks, while another run builds the same index. */
const POLL_MS = 500

/**
 * SQLSTATEs that concurrent runs can cause: a deadlock, a lock timeout, an index that already
 * exists, and an index that was dropped meanwhile.
 */
const CONFLICTS = new Set(['40P01', '55P03', '42P07', 'XX000'])
const MOST_CONFLICTS = 10

/** @throws IndexNotBuilt with the name of the index; the indexes before it are built and stay. */
export async function buildIndexes(
  sql: Sql,
  indexes: readonly Index[],
  deadlineMs: number,
): Promise<readonly string[]> {
  const built: string[] = []
  for (const index of indexes) {
    try {
      if (await build(sql, index, performance.now() + deadlineMs)) built.push(index.name)
    } catch (cause) {
      throw new IndexNotBuilt(index.name, cause)
    }
  }
  return built
}

export class IndexNotBuilt extends Error {
  readonly index: string

  constructor(index: string, cause: unknown) {
    super(`index ${index} was not built`, { cause })
    this.index = index
  }
}

/** Returns false if the index existed or another run has built it. */
async function build(sql: Sql, index: Index, until: number): Promise<boolean> {
  let conflicts = 0
  let isOurs = false
  while (true) {
    const state = await findState(sql, index)
    if (state === 'valid') return isOurs
    if (performance.now() > until) throw new Unavailable('database', null, 'timeout')
    try {
      if (state === 'building') await sleep(POLL_MS)
      else if (state === 'invalid') await drop(sql, index)
      else {
        await create(sql, index)
        isOurs = true
      }
    } catch (error) {
      conflicts += 1
      if (!CONFLICTS.has(codeOf(error)) || conflicts > MOST_CONFLICTS) throw error
      await sleep(POLL_MS)
    }
  }
}

const rows = v.tuple([v.object({ building: v.boolean(), valid: v.nullable(v.boolean()) })])

/** `building` becomes visible before the index does, so no second build is started. */
async function findState(
  sql: Sql,
  { name, table }: Index,
): Promise<'valid' | 'invalid' | 'building' | 'missing'> {
  const [{ building, valid }] = v.parse(
    rows,
    await sql.query(
      `select exists (select from pg_stat_progress_create_index where datname = current_database() and relid = to_regclass($2)) as building,
         (select indisvalid from pg_index where indexrelid = to_regclass($1)) as valid`,
      [name, table],
    ),
  )
  if (valid === true) return 'valid'
  if (building) return 'building'
  return valid === null ? 'missing' : 'invalid'
}

/** Returns the names of the indexes that are missing or half built. */
export async function findMissingIndexes(
  sql: Sql,
  indexes: readonly Index[],
): Promise<readonly string[]> {
  const names = indexes.map(({ name }) => name)
  const valid = await sql.query(
    'select relname::text as name from pg_index join pg_class on oid = indexrelid where indisvalid and relname = any($1)',
    [names],
  )
  return names.filter((name) => !valid.some((row) => row['name'] === name))
}

async function create(sql: Sql, { name, table, by }: Index): Promise<void> {
  await sql.query(`create index concurrently ${name} on ${table} ${by}`)
}

/**
 * A build holds this lock on its table until it ends, so once the lock is taken the index is either
 * valid or left half built. The wait for the drop is short, because every query of the table waits
 * behind it.
 */
async function drop(sql: Sql, { name, table }: Index): Promise<void> {
  await sql.transaction([
    { text: `set local lock_timeout = '2s'` },
    { text: `lock table ${table} in share update exclusive mode` },
    {
      text: `do $$ begin
        if exists (select from pg_index where indexrelid = to_regclass('${name}') and not indisvalid) then drop index ${name}; end if;
      end $$`,
    },
  ])
}

const codeOf = (error: unknown): string =>
  error instanceof DatabaseError || error instanceof Unavailable ? (error.code ?? '') : ''

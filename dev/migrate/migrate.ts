/**
 * Brings a database to the current schema.
 *
 * Each migration is one transaction that first writes its own name. A second run waits for that
 * name, then finds that it exists. A run that fails leaves nothing. So migrations may run twice and
 * from two places at the same time, and may stop at any point. Indexes of large tables follow
 * outside a transaction; see build-indexes.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Umzug } from 'umzug'
import { databaseSettings } from '../../lib/config/stores.ts'
import { accountSettings } from '../../lib/config/wechat.ts'
import type { Account } from '../../lib/core/account.ts'
import { ConfigError, Unavailable } from '../../lib/core/failure.ts'
import { DatabaseError } from '../../lib/stores/database-failure.ts'
import { connect, type Sql } from '../../lib/stores/neon.ts'
import type { Migration } from '../../lib/stores/migration.ts'
import { migrations } from '../../lib/stores/schema.ts'
import { buildIndexes, largeIndexes } from './build-indexes.ts'
import type { Environment } from '../program/environment.ts'
import { PlainError } from '../program/plain-error.ts'
import { MigrationFailed, toPlainError } from './failure.ts'

/** Any constant number. Two first runs wait for this lock. */
const TABLE_LOCK = 720_441

/**
 * For one transaction or one index: an index of 6 million orders takes a minute or two on Neon's
 * smallest compute. Vercel ends a build after 45 minutes, so a migration that hangs still ends with
 * its own message.
 */
const DEADLINE_MS = 15 * 60_000

/**
 * A change to a table in use makes every query of the table wait, so it waits only this long, and
 * retries.
 */
const LOCK_TIMEOUT = '2s'
const LOCK_ATTEMPTS = 10
const LOCK_PAUSE_MS = 1_000

const UNIQUE_VIOLATION = '23505'
const LOCK_NOT_AVAILABLE = '55P03'

export interface Migrated {
  /**
   * The names of the migrations and indexes of this call, without those that another run did
   * meanwhile.
   */
  readonly migrations: readonly string[]
  readonly indexes: readonly string[]
}

/** Runs the missing migrations and builds the missing indexes. */
export async function migrate(
  environment: Environment,
  deadlineMs = DEADLINE_MS,
): Promise<Migrated> {
  const ran: string[] = []
  try {
    const { url, endpoint } = databaseSettings(environment)
    // With the short deadline of a request, so that an unreachable database fails fast.
    await makeTable(connect(url, endpoint))
    const account = readAccount(environment)
    const sql = connect(url, endpoint, deadlineMs)
    const umzug = new Umzug({
      migrations: migrations.map((migration) => ({
        name: migration.name,
        up: async () => void ((await apply(sql, migration, account)) && ran.push(migration.name)),
      })),
      storage: {
        executed: async () =>
          (await sql.query('select name from migrations order by name')).map((row) =>
            String(row['name']),
          ),
        // A migration writes its own name.
        logMigration: async () => undefined,
        unlogMigration: () => Promise.reject(new Error('a released migration is never undone')),
      },
      logger: undefined,
    })
    await umzug.up()
    // Also those of migrations that ran before: an earlier run may have ended before its indexes
    // were built.
    const indexes = await buildIndexes(sql, largeIndexes, deadlineMs)
    return { migrations: ran, indexes }
  } catch (error) {
    throw toPlainError(error, deadlineMs)
  }
}

/** The whole schema as plain statements, for a new database that only the caller uses. */
export const schemaStatements = (account: Account): readonly string[] =>
  migrations.flatMap(({ statements, indexes = [] }) => [
    ...statements(account),
    ...indexes.map(({ name, table, by }) => `create index ${name} on ${table} ${by}`),
  ])

/** Read even if no missing migration needs it, so that a run never stops between two migrations. */
function readAccount(environment: Environment): Account {
  try {
    return accountSettings(environment)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new PlainError(
      `${error.message}. Migrations store the account of each order, so they need the settings of WeChat Pay that the functions have. Nothing was migrated.`,
    )
  }
}

async function makeTable(sql: Sql): Promise<void> {
  await sql.transaction([
    { text: 'select pg_advisory_xact_lock($1)', params: [TABLE_LOCK] },
    {
      text: 'create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())',
    },
  ])
}

/** Returns false if another run has applied it meanwhile. */
async function apply(sql: Sql, migration: Migration, account: Account): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sql.transaction([
        { text: 'insert into migrations (name) values ($1)', params: [migration.name] },
        { text: `set local lock_timeout = '${LOCK_TIMEOUT}'` },
        ...migration.statements(account).map((text) => ({ text })),
      ])
      return true
    } catch (error) {
      if (
        error instanceof DatabaseError &&
        error.code === UNIQUE_VIOLATION &&
        error.constraint === 'migrations_pkey'
      )
        return false
      if (
        !(error instanceof Unavailable && error.code === LOCK_NOT_AVAILABLE) ||
        attempt === LOCK_ATTEMPTS
      )
        throw new MigrationFailed(migration.name, error)
      await sleep(LOCK_PAUSE_MS)
    }
  }
}

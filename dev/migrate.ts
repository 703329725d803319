/**
 * Brings a database to the current schema: `npm run migrate`. With `--build` it is what Vercel's build runs.
 *
 * Each migration is one transaction that first writes its own name. A second runner waits on that name, then learns
 * that it is taken; a runner that dies leaves nothing. So it may run twice, from two places at once, and stop anywhere.
 * Indexes of large tables follow outside a transaction; see build-indexes.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Umzug } from 'umzug'
import { databaseSettings } from '../lib/config.ts'
import { Unavailable } from '../lib/core/failure.ts'
import { DatabaseError } from '../lib/stores/database-failure.ts'
import { connect, type Sql } from '../lib/stores/neon.ts'
import { migrations, type Migration } from '../lib/stores/schema.ts'
import { buildIndexes, largeIndexes } from './build-indexes.ts'
import { isProgram, readOptions } from './command-line.ts'
import { readVariable, type Environment } from './environment.ts'
import { MigrationFailed, toPlainError } from './migration-failure.ts'
import { explain, PlainError } from './plain-error.ts'
import { requireVercelEnvironment } from './vercel-build.ts'

const USAGE =
  'npm run migrate [-- --build]    --build is for Vercel: only for production, and only where there is a database'

/** Any number will do, as long as it stays the same: it is what two first runners wait for. */
const TABLE_LOCK = 720_441

/**
 * For one transaction or one index: an index of 6 million orders takes a minute or two on Neon's smallest compute. Vercel ends
 * a build after 45 minutes, so a migration that hangs still ends with its own message.
 */
const DEADLINE_MS = 15 * 60_000

/** A change to a table that is in use makes every query of the table wait, so it waits only this long, and tries this often. */
const LOCK_TIMEOUT = '2s'
const LOCK_ATTEMPTS = 10
const LOCK_PAUSE_MS = 1_000

const UNIQUE_VIOLATION = '23505'
const LOCK_NOT_AVAILABLE = '55P03'

export interface Migrated {
  /** The names of what this call has run and built, without what another run did meanwhile. */
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
    // Under a request's short deadline, so that a database that does not answer is noticed at once.
    await makeTable(connect(url, endpoint))
    const sql = connect(url, endpoint, deadlineMs)
    const umzug = new Umzug({
      migrations: migrations.map((migration) => ({
        name: migration.name,
        up: async () => void ((await apply(sql, migration)) && ran.push(migration.name)),
      })),
      storage: {
        executed: async () =>
          (await sql.query('select name from migrations order by name')).map((row) =>
            String(row['name']),
          ),
        // A migration has written its own name by the time it is done.
        logMigration: async () => undefined,
        unlogMigration: () => Promise.reject(new Error('a released migration is never undone')),
      },
      logger: undefined,
    })
    await umzug.up()
    // Also those of migrations that ran before: an earlier run may have ended before its indexes were built.
    const indexes = await buildIndexes(sql, largeIndexes, deadlineMs)
    return { migrations: ran, indexes }
  } catch (error) {
    throw toPlainError(error, deadlineMs)
  }
}

/** The whole schema as plain statements, for a new database that only the caller uses. */
export const schemaStatements: readonly string[] = migrations.flatMap(
  ({ statements, indexes = [] }) => [
    ...statements,
    ...indexes.map(({ name, table, by }) => `create index ${name} on ${table} ${by}`),
  ],
)

/**
 * Why a build on Vercel leaves the database alone, as one sentence; null where it is to be brought to the current schema.
 *
 * A preview may have been given production's database. A first build may come before the database: it must not fail, for
 * there is no project to add one to before it.
 */
function reasonToLeaveAlone(environment: Environment): string | null {
  if (environment['VERCEL_ENV'] !== 'production')
    return 'This is not a production build: no database is touched.'
  if (readVariable(environment, 'DATABASE_URL') === undefined)
    return 'DATABASE_URL is not set for Production, so there are no tables yet: add Neon under Storage, then redeploy.'
  return null
}

async function makeTable(sql: Sql): Promise<void> {
  await sql.transaction([
    { text: 'select pg_advisory_xact_lock($1)', params: [TABLE_LOCK] },
    {
      text: 'create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())',
    },
  ])
}

/** False when another runner has done it meanwhile. */
async function apply(sql: Sql, migration: Migration): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sql.transaction([
        { text: 'insert into migrations (name) values ($1)', params: [migration.name] },
        { text: `set local lock_timeout = '${LOCK_TIMEOUT}'` },
        ...migration.statements.map((text) => ({ text })),
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

const counted = (what: string, names: readonly string[]): string =>
  `${names.length} ${what}${names.length === 0 ? '' : `: ${names.join(', ')}`}`

async function run(inBuild: boolean): Promise<string> {
  if (inBuild) requireVercelEnvironment(process.env)
  const reason = inBuild ? reasonToLeaveAlone(process.env) : null
  if (reason !== null) return reason
  if (readVariable(process.env, 'DATABASE_URL') === undefined) {
    throw new PlainError(
      "DATABASE_URL is not set. Only the shell's environment is read, .env.local is not: DATABASE_URL='postgresql://…' npm run migrate",
    )
  }
  const { migrations: ran, indexes } = await migrate(process.env)
  const built =
    indexes.length === 0
      ? ''
      : `; ${counted(indexes.length === 1 ? 'index built' : 'indexes built', indexes)}`
  return `schema is current, ${counted(ran.length === 1 ? 'migration run' : 'migrations run', ran)}${built}`
}

if (isProgram(import.meta.filename)) {
  try {
    console.log(await run(readOptions(USAGE, { build: { type: 'boolean', default: false } }).build))
  } catch (error) {
    console.error(explain(error))
    process.exitCode = 1
  }
}

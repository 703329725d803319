/**
 * Brings a database to the current schema: `npm run migrate`. With `--build` it is what Vercel's build runs.
 *
 * Each migration is one transaction that first writes its own name. A second runner waits on that name, then learns
 * that it is taken; a runner that dies leaves nothing. So it may run twice, from two places at once, and stop anywhere.
 */
import { Umzug } from 'umzug'
import { databaseSettings } from '../lib/config.ts'
import { ConfigError, Unavailable } from '../lib/core/failure.ts'
import { connect, DatabaseError, type Sql } from '../lib/stores/neon.ts'
import { migrations, type Migration } from '../lib/stores/schema.ts'
import { isProgram, readOptions } from './command-line.ts'
import { readVariable, type Environment } from './environment.ts'
import { explain, PlainError } from './plain-error.ts'
import { requireVercelEnvironment } from './vercel-build.ts'

const USAGE = 'npm run migrate [-- --build]    --build is for Vercel: only for production, and only where there is a database'

/** Any number will do, as long as it stays the same: it is what two first runners wait for. */
const TABLE_LOCK = 720_441

const UNIQUE_VIOLATION = '23505'

/** Runs what is missing and returns the names of the migrations this call has run. */
export async function migrate(environment: Environment): Promise<readonly string[]> {
  const ran: string[] = []
  try {
    const { url, endpoint } = databaseSettings(environment)
    const sql = connect(url, endpoint)
    await makeTable(sql)
    const umzug = new Umzug({
      migrations: migrations.map((migration) => ({
        name: migration.name,
        up: async () => void ((await apply(sql, migration)) && ran.push(migration.name)),
      })),
      storage: {
        executed: async () => (await sql.query('select name from migrations order by name')).map((row) => String(row['name'])),
        // A migration has written its own name by the time it is done.
        logMigration: async () => undefined,
        unlogMigration: () => Promise.reject(new Error('a released migration is never undone')),
      },
      logger: undefined,
    })
    await umzug.up()
  } catch (error) {
    throw translate(error)
  }
  return ran
}

/**
 * Why a build on Vercel leaves the database alone, as one sentence; null where it is to be brought to the current schema.
 *
 * A preview may have been given production's database. A first build may come before the database: it must not fail, for
 * there is no project to add one to before it.
 */
function reasonToLeaveAlone(environment: Environment): string | null {
  if (environment['VERCEL_ENV'] !== 'production') return 'This is not a production build: no database is touched.'
  if (readVariable(environment, 'DATABASE_URL') === undefined)
    return 'DATABASE_URL is not set for Production, so there are no tables yet: add Neon under Storage, then redeploy.'
  return null
}

async function makeTable(sql: Sql): Promise<void> {
  await sql.transaction([
    { text: 'select pg_advisory_xact_lock($1)', params: [TABLE_LOCK] },
    { text: 'create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())' },
  ])
}

/** False when another runner has done it meanwhile. */
async function apply(sql: Sql, migration: Migration): Promise<boolean> {
  try {
    const name = { text: 'insert into migrations (name) values ($1)', params: [migration.name] }
    await sql.transaction([name, ...migration.statements.map((text) => ({ text }))])
    return true
  } catch (error) {
    if (error instanceof DatabaseError && error.code === UNIQUE_VIOLATION && error.constraint === 'migrations_pkey') return false
    throw new MigrationFailed(migration.name, error)
  }
}

class MigrationFailed extends Error {
  readonly migration: string

  constructor(migration: string, cause: unknown) {
    super(`migration ${migration} failed`, { cause })
    this.migration = migration
  }
}

function translate(error: unknown): unknown {
  if (error instanceof ConfigError) return new PlainError(`${error.message}.`)
  const chain = [error, causeOf(error), causeOf(causeOf(error))]
  if (chain.some((one) => one instanceof Unavailable)) {
    return new PlainError(
      'The database of DATABASE_URL did not answer over HTTP, as Neon does (a stand-in needs NEON_HTTP_ENDPOINT). Nothing is half done: run it again once it is reachable.',
    )
  }
  const refused = chain.find((one) => one instanceof DatabaseError)
  if (refused === undefined) return error
  const failed = chain.find((one) => one instanceof MigrationFailed)
  const what =
    failed === undefined ? 'The table of migrations could not be made or read' : `Migration ${failed.migration} failed and was undone`
  return new PlainError(`${what}: PostgreSQL answered ${refused.code}${refused.constraint === '' ? '' : ` (${refused.constraint})`}.`)
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined)

async function run(inBuild: boolean): Promise<string> {
  if (inBuild) requireVercelEnvironment(process.env)
  const reason = inBuild ? reasonToLeaveAlone(process.env) : null
  if (reason !== null) return reason
  if (readVariable(process.env, 'DATABASE_URL') === undefined) {
    throw new PlainError(
      "DATABASE_URL is not set. Only the shell's environment is read, .env.local is not: DATABASE_URL='postgresql://…' npm run migrate",
    )
  }
  const ran = await migrate(process.env)
  const count = `${ran.length} ${ran.length === 1 ? 'migration' : 'migrations'} run`
  return `schema is current, ${count}${ran.length === 0 ? '' : `: ${ran.join(', ')}`}`
}

if (isProgram(import.meta.filename)) {
  try {
    console.log(await run(readOptions(USAGE, { build: { type: 'boolean', default: false } }).build))
  } catch (error) {
    console.error(explain(error))
    process.exitCode = 1
  }
}

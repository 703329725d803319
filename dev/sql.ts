/**
 * `npm run sql`: runs one statement in the database of `DATABASE_URL`, or in that of the running
 * local world.
 *
 * It uses HTTP, as the functions do, because the embedded PostgreSQL runs in the process of `npm
 * start`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { databaseSettings } from '../lib/config/stores.ts'
import { ConfigError, Unavailable } from '../lib/core/failure.ts'
import { toRfc3339 } from '../lib/core/time.ts'
import { DatabaseError } from '../lib/stores/database-failure.ts'
import { connect } from '../lib/stores/neon.ts'
import { answerHelp, explainMisuse } from './program/command-line.ts'
import { demoDatabase } from './world/demo-values.ts'
import { readVariable } from './program/environment.ts'
import { explain, PlainError } from './program/plain-error.ts'
import { ADDRESS_FILE } from './world/address.ts'
import { commandOf } from './world/switched-on.ts'

const USAGE = `npm run sql "select * from orders"    also: npm run sql < file.sql

The database is that of DATABASE_URL, or that of the running npm start if DATABASE_URL is not set.`

/** Where the local world has its database. */
const SQL_PATH = '/stand-ins/neon/sql'

const DEADLINE_MS = 60_000
const ANSWER_MS = 2_000

/**
 * `date`, `timestamp` and arrays of them: they have no time zone, so they cannot become a `Date`.
 */
const WITHOUT_ZONE = [1082, 1114, 1115, 1182]

function findDatabase() {
  if (readVariable(process.env, 'DATABASE_URL') !== undefined)
    return {
      ...databaseSettings(process.env),
      name: 'the database of DATABASE_URL',
    }
  const file = resolve(import.meta.dirname, '../.data', ADDRESS_FILE)
  if (!existsSync(file))
    throw new PlainError('No local world runs here. Start one with npm start, or set DATABASE_URL.')
  const world = readFileSync(file, 'utf8').trim()
  return {
    url: demoDatabase,
    endpoint: `${world}${SQL_PATH}`,
    name: `the local world at ${world}`,
  }
}

/** Formats a value for a table. */
function toCell(value: unknown): unknown {
  if (value instanceof Date) return toRfc3339(value)
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}

const switchesSchema = v.object({ switches: v.object({ database: v.string() }) })

/** How to make the local world answer. Empty for another database. */
async function remedy(endpoint: string | undefined): Promise<string> {
  if (endpoint?.endsWith(SQL_PATH) !== true) return ''
  const world = endpoint.slice(0, -SQL_PATH.length)
  try {
    const answer = await fetch(`${world}/world/switches`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    const { switches } = v.parse(switchesSchema, await answer.json())
    return switches.database === 'down'
      ? ` Its database is switched off. To switch it on:\n  ${commandOf(world, 'database=up')}`
      : ''
  } catch {
    return ' Start it with npm start.'
  }
}

async function run(statement: string): Promise<void> {
  const { url, endpoint, name } = findDatabase()
  const rows = await connect(url, endpoint, DEADLINE_MS, WITHOUT_ZONE)
    .query(statement)
    .catch(async (error: unknown) => {
      // The author of the statement needs PostgreSQL's own message.
      const isAboutStatement =
        error instanceof DatabaseError ||
        (error instanceof ConfigError && error.why === 'not_migrated')
      if (isAboutStatement && error.cause instanceof Error)
        throw new PlainError(error.cause.message)
      if (error instanceof ConfigError)
        throw new PlainError(`${error.message}${error.why === undefined ? '' : ` (${error.why})`}.`)
      if (error instanceof Unavailable)
        throw new PlainError(`No answer from ${name} (${error.why}).${await remedy(endpoint)}`)
      throw error
    })
  if (rows.length > 0)
    console.table(
      rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([key, value]) => [key, toCell(value)])),
      ),
    )
  console.log(
    `${rows.length === 0 ? 'Done; no rows were returned' : `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`}, from ${name}`,
  )
}

try {
  answerHelp(USAGE)
  const { positionals } = parseArgs({ allowPositionals: true })
  const statement =
    positionals.length === 0 && !process.stdin.isTTY
      ? await text(process.stdin)
      : positionals.join(' ')
  if (statement.trim() === '') {
    console.error(`Usage: ${USAGE}`)
    process.exitCode = 2
  } else await run(statement)
} catch (error) {
  const isMisused =
    error instanceof TypeError && 'code' in error && error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION'
  const shown = error instanceof ConfigError ? `${error.message}.` : explain(error)
  console.error(isMisused ? explainMisuse(error, USAGE) : shown)
  process.exitCode = isMisused ? 2 : 1
}

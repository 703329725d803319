/**
 * The door to `@neondatabase/serverless`: one statement over HTTP, with a deadline that covers the whole answer.
 *
 * Library messages stop here: they hold URLs and whole statements.
 */
import { neon, neonConfig, NeonDbError } from '@neondatabase/serverless'
import { ConfigError, Unavailable } from '../core/failure.ts'
import { traceHop } from '../trace.ts'
import { post } from './post.ts'

export interface Statement {
  readonly text: string
  readonly params?: readonly unknown[]
}

/** A database spoken to one statement at a time; each is a transaction of its own. */
export interface Sql {
  /** @throws Unavailable when the outcome is not known, DatabaseError when PostgreSQL said no. */
  query(text: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** All of them or none, in one round trip. */
  transaction(statements: readonly Statement[]): Promise<void>
}

/** PostgreSQL's own refusal: `code` is the SQLSTATE, `constraint` the constraint that said no. */
export class DatabaseError extends Error {
  readonly code: string
  readonly constraint: string

  constructor(code: string, constraint: string, cause: unknown) {
    super(`the database refused a statement (${code}${constraint === '' ? '' : `, ${constraint}`})`, { cause })
    this.name = 'DatabaseError'
    this.code = code
    this.constraint = constraint
  }
}

/** Room for a database that has to wake up first, still well below what a caller waits. */
const DEADLINE_MS = 5_000

/**
 * Connection lost, out of resources, shutting down, could not serialise, deadlock: the same request may be sent again. So
 * may it once a wrong password or name of the database is mended.
 */
const PASSING = /^(?:08|53|57|40|28|3D)/

/** @param deadlineMs for each statement, or for all of a transaction */
export function connect(databaseUrl: string, endpoint: string | undefined, deadlineMs = DEADLINE_MS): Sql {
  if (endpoint !== undefined) neonConfig.fetchEndpoint = endpoint
  neonConfig.fetchFunction = send
  const sql = neon(databaseUrl, { fetchOptions: { deadlineMs } })
  return {
    query: (text, params = []) => traceHop('database', () => sql.query(text, [...params]).catch(translate)),
    transaction: (statements) =>
      traceHop('database', async () => {
        await sql.transaction(statements.map(({ text, params = [] }) => sql.query(text, [...params]))).catch(translate)
      }),
  }
}

interface Request {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly deadlineMs: number
}

/** As much of `fetch` as the client uses. */
async function send(url: string, { headers, body, deadlineMs }: Request) {
  const { status, text } = await post(url, { 'content-type': 'application/json', ...headers }, body, deadlineMs)
  return { status, ok: status >= 200 && status < 300, text: async () => text, json: async (): Promise<unknown> => JSON.parse(text) }
}

/** No such table, column or function: the database is another one, or has not been brought to the current schema. */
const NOT_MIGRATED = /^(?:42P01|42703|42883)$/

function translate(cause: unknown): never {
  const code = cause instanceof NeonDbError ? cause.code : undefined
  if (code !== undefined && NOT_MIGRATED.test(code))
    throw new ConfigError('DATABASE_URL', 'leads to a database without the current tables: run npm run migrate')
  if (code !== undefined && !PASSING.test(code))
    throw new DatabaseError(code, cause instanceof NeonDbError ? (cause.constraint ?? '') : '', cause)
  throw new Unavailable('database', cause, code ?? causeOf(cause))
}

/** Why nothing came, in one word that holds no address: `ENOTFOUND`, `ECONNREFUSED`, `TimeoutError`. */
function causeOf(cause: unknown): string {
  for (let at = cause; at instanceof Error; at = at instanceof NeonDbError ? at.sourceError : at.cause) {
    if (at.name === 'TimeoutError') return at.name
    if ('code' in at && typeof at.code === 'string' && /^[A-Z0-9_]{5,32}$/.test(at.code)) return at.code
  }
  return 'no_answer'
}

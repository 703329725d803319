/**
 * The only file that uses `@neondatabase/serverless`: one statement over HTTP, with a deadline that
 * covers the whole answer.
 *
 * Library messages are not passed on, because they contain URLs and whole statements.
 */
import { neon, neonConfig, NeonDbError, types } from '@neondatabase/serverless'
import * as v from 'valibot'
import { traceHop } from '../trace.ts'
import { throwRefusal, throwSilence, type DatabaseRefusal } from './database-failure.ts'
import { post } from './post.ts'

export interface Statement {
  readonly text: string
  readonly params?: readonly unknown[]
}

interface Repeat {
  readonly isRepeatable: true
}

/**
 * For a statement that may run twice in a row: the second run changes nothing, and its rows lead to
 * the same outcome as those of the first. It is sent again if the kept connection is closed.
 */
export const REPEATABLE: Repeat = { isRepeatable: true }

/** Runs statements. Each is a transaction of its own. */
export interface Sql {
  /**
   * @throws Unavailable or ConfigError if the database failed or the outcome is unknown;
   * DatabaseError if our statement is at fault.
   */
  query(
    text: string,
    params?: readonly unknown[],
    how?: Repeat,
  ): Promise<readonly Record<string, unknown>[]>
  /** Runs all statements or none, in one round trip. */
  transaction(statements: readonly Statement[]): Promise<void>
}

/** Enough for a database that must start first, and well below the time that a caller waits. */
const DEADLINE_MS = 5_000

/**
 * @param deadlineMs for each statement, or for all of a transaction
 * @param asText the types, by object identifier, whose values stay as PostgreSQL writes them
 */
export function connect(
  databaseUrl: string,
  endpoint: string | undefined,
  deadlineMs = DEADLINE_MS,
  asText: readonly number[] = [],
): Sql {
  if (endpoint !== undefined) neonConfig.fetchEndpoint = endpoint
  neonConfig.fetchFunction = send
  const getTypeParser = (id: number, format?: 'text' | 'binary'): unknown =>
    asText.includes(id) ? String : types.getTypeParser(id, format)
  const sql = neon(databaseUrl, { fetchOptions: { deadlineMs } })
  return {
    query: (text, params = [], how) =>
      traceHop('database', () =>
        sql
          .query(text, [...params], { types: { getTypeParser }, fetchOptions: { ...how } })
          .catch(translate),
      ),
    transaction: (statements) =>
      traceHop('database', async () => {
        await sql
          .transaction(statements.map(({ text, params = [] }) => sql.query(text, [...params])))
          .catch(translate)
      }),
  }
}

/** Where the client sends its statements. */
export function endpointOf(settings: { url: string; endpoint: string | undefined }): string {
  const endpoint = settings.endpoint ?? neonConfig.fetchEndpoint
  if (typeof endpoint === 'string') return endpoint
  const { hostname, port } = new URL(settings.url.replace(/^postgres(?:ql)?:/, 'http:'))
  return endpoint(hostname, port)
}

interface Request {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly deadlineMs: number
  readonly isRepeatable?: boolean
}

/**
 * The part of `fetch` that the client uses. It throws on an error response, because the client
 * would keep only its text.
 */
async function send(url: string, { headers, body, deadlineMs, isRepeatable = false }: Request) {
  const { status, text } = await post({
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body,
    deadlineMs,
    isRepeatable,
  })
  if (status < 200 || status >= 300) throw new Refused(readRefusal(status, text))
  return {
    status,
    ok: true,
    text: async () => text,
    json: async (): Promise<unknown> => JSON.parse(text),
  }
}

class Refused extends Error {
  readonly refusal: DatabaseRefusal

  constructor(refusal: DatabaseRefusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

const textOrNone = v.optional(v.fallback(v.string(), ''), '')
const refusalBody = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ message: v.string(), code: textOrNone, constraint: textOrNone }),
)

function readRefusal(status: number, text: string): DatabaseRefusal {
  const read = v.safeParse(refusalBody, text)
  if (!read.success) return { status, code: '', constraint: '', message: text, isReadable: false }
  const { message, code, constraint } = read.output
  return {
    status,
    code: /^[0-9A-Z]{5}$/.test(code) ? code : '',
    constraint,
    message,
    isReadable: true,
  }
}

/** Classifies an error of the client, which wraps what `send` has thrown. */
function translate(cause: unknown): never {
  const source: unknown = cause instanceof NeonDbError ? (cause.sourceError ?? cause) : cause
  if (source instanceof Refused) throwRefusal(source.refusal, source)
  throwSilence(source)
}

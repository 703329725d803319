/**
 * The only file that uses `@neondatabase/serverless`: one statement over HTTP, with a deadline that
 * covers the whole answer. The client is loaded by the first statement, while the connection to the
 * database is being opened.
 *
 * Library messages are not passed on, because they contain URLs and whole statements.
 */
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
  const open = async () => {
    const { neon, neonConfig, types } = await (loading ??= import('@neondatabase/serverless'))
    neonConfig.fetchEndpoint = endpoint ?? defaultEndpoint
    neonConfig.fetchFunction = send
    const getTypeParser = (id: number, format?: 'text' | 'binary'): unknown =>
      asText.includes(id) ? String : types.getTypeParser(id, format)
    return { sql: neon(databaseUrl, { fetchOptions: { deadlineMs } }), types: { getTypeParser } }
  }
  let opening: ReturnType<typeof open> | undefined
  return {
    query: (text, params = [], how) =>
      traceHop('database', async () => {
        const { sql, types } = await (opening ??= open())
        return sql.query(text, [...params], { types, fetchOptions: { ...how } }).catch(translate)
      }),
    transaction: (statements) =>
      traceHop('database', async () => {
        const { sql } = await (opening ??= open())
        const queries = statements.map(({ text, params = [] }) => sql.query(text, [...params]))
        await sql.transaction(queries).catch(translate)
      }),
  }
}

let loading: Promise<typeof import('@neondatabase/serverless')> | undefined

/** Where the client sends its statements. */
export const endpointOf = (settings: { url: string; endpoint: string | undefined }): string =>
  settings.endpoint ??
  defaultEndpoint(new URL(settings.url.replace(/^postgres(?:ql)?:/, 'http:')).hostname)

/** The rule of the client itself, which is needed before the client is loaded. */
const defaultEndpoint = (host: string): string => `https://${host.replace(/^[^.]+\./, 'api.')}/sql`

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

/** Classifies an error. The client's own has what `send` has thrown as its `sourceError`. */
function translate(cause: unknown): never {
  const thrown = cause instanceof Error && 'sourceError' in cause ? cause.sourceError : undefined
  const source = thrown ?? cause
  if (source instanceof Refused) throwRefusal(source.refusal, source)
  throwSilence(source)
}

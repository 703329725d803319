/**
 * Neon's SQL over HTTP on any node-postgres pool, so that Neon's own driver runs here unmodified.
 *
 * One query runs in the extended protocol, which refuses two statements in one text, as Neon does.
 * A batch is one transaction. Values are sent as PostgreSQL's text. If the client disconnects, its
 * query is cancelled, as at Neon.
 */
import { Hono } from 'hono'
import type { PoolClient } from 'pg'
import * as v from 'valibot'
import { toAnswer, toErrorBody } from './neon-answer.ts'
import { neonRefusals, type NeonMode } from './neon-refusals.ts'
import type { Database } from './postgres.ts'

const statement = v.object({
  query: v.string(),
  params: v.optional(v.array(v.unknown()), []),
  arrayMode: v.optional(v.boolean()),
})
const single = v.pipe(
  statement,
  v.transform((query) => ({ kind: 'single' as const, query })),
)
const batch = v.pipe(
  v.object({ queries: v.array(statement) }),
  v.transform(({ queries }) => ({ kind: 'batch' as const, queries })),
)
const requestBody = v.pipe(v.string(), v.parseJson(), v.union([batch, single]))
type Statement = v.InferOutput<typeof statement>

const isolationLevels = new Map([
  ['ReadUncommitted', 'READ UNCOMMITTED'],
  ['ReadCommitted', 'READ COMMITTED'],
  ['RepeatableRead', 'REPEATABLE READ'],
  ['Serializable', 'SERIALIZABLE'],
])
const batchHeaders = [
  'neon-batch-isolation-level',
  'neon-batch-read-only',
  'neon-batch-deferrable',
] as const

interface Served extends Pick<Database, 'pool' | 'cancel' | 'setClock'> {
  /** Names a statement, so that a connection plans it once. Without it, every call is planned. */
  readonly nameOf?: (text: string) => string
}

/**
 * @param database its pool must return values as text, see `openEmbedded` and `openDatabase`.
 * @param modeNow called once for each request
 */
export function createNeon(database: Served, modeNow: () => NeonMode = () => 'up'): Hono {
  const app = new Hono()
  app.post('/sql', async (context) => {
    if (context.req.header('neon-connection-string') === undefined)
      return context.json(refusal('missing connection string'), 400)
    const body = v.safeParse(requestBody, await context.req.text())
    if (!body.success) return context.json(refusal('could not parse the HTTP request body'), 400)
    const begin = toBegin((name) => context.req.header(name))
    if (begin === null) return context.json(refusal('invalid isolation level'), 400)
    const arrayMode = context.req.header('neon-array-mode') === 'true'
    const { signal } = context.req.raw
    const mode = modeNow()
    if (mode !== 'up' && 'refuse' in mode)
      return context.json(neonRefusals[mode.refuse].body, neonRefusals[mode.refuse].status)
    const refusedWrite = mode === 'up' ? null : neonRefusals[mode.refuseWrites]
    const use = <T>(work: (client: PoolClient) => Promise<T>) =>
      withClient(
        database,
        signal,
        refusedWrite === null ? work : (client) => withoutWrites(client, work),
      )
    const runOne: Run = (client, one) => run(client, one, arrayMode, database.nameOf)
    try {
      const request = body.output
      if (request.kind === 'single')
        return context.json(await use((client) => runOne(client, request.query)))
      const results = await use((client) =>
        transaction(client, signal, begin, request.queries, runOne),
      )
      for (const name of batchHeaders) context.header(name, context.req.header(name))
      return context.json({ results })
    } catch (error) {
      const answer = toErrorBody(error)
      if (refusedWrite !== null && answer.body['code'] === READ_ONLY)
        return context.json(refusedWrite.body, refusedWrite.status)
      return context.json(answer.body, answer.status)
    }
  })
  return app
}

const refusal = (message: string) => ({ message, code: null })

function toBegin(
  header: (name: (typeof batchHeaders)[number]) => string | undefined,
): string | null {
  const wanted = header('neon-batch-isolation-level')
  const level = wanted === undefined ? undefined : isolationLevels.get(wanted)
  if (wanted !== undefined && level === undefined) return null
  const modes = [
    ...(level === undefined ? [] : [`ISOLATION LEVEL ${level}`]),
    ...(header('neon-batch-read-only') === 'true' ? ['READ ONLY'] : []),
    ...(header('neon-batch-deferrable') === 'true' ? ['DEFERRABLE'] : []),
  ]
  return `START TRANSACTION ${modes.join(', ')}`
}

/**
 * Does not begin if the client has already disconnected. The embedded server cannot cancel, so its
 * statements run to their end.
 */
async function withClient<T>(
  { pool, cancel, setClock }: Pick<Database, 'pool' | 'cancel' | 'setClock'>,
  signal: AbortSignal,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let cancelling: Promise<void> | undefined
  const leave = () => void (cancelling = cancel?.(client).catch(() => undefined))
  signal.addEventListener('abort', leave)
  try {
    signal.throwIfAborted()
    await setClock?.(client)
    return await work(client)
  } finally {
    signal.removeEventListener('abort', leave)
    await cancelling
    // A late signal would cancel the next query on this connection.
    client.release(cancelling !== undefined)
  }
}

const READ_ONLY = '25006'

/** Lets PostgreSQL itself decide which statements would write. */
async function withoutWrites<T>(
  client: PoolClient,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  await client.query('set default_transaction_read_only = on')
  try {
    return await work(client)
  } finally {
    await client.query('reset default_transaction_read_only')
  }
}

type Run = (client: PoolClient, one: Statement) => Promise<unknown>

async function transaction(
  client: PoolClient,
  signal: AbortSignal,
  begin: string,
  statements: readonly Statement[],
  runOne: Run,
): Promise<unknown[]> {
  await client.query(begin)
  try {
    const results = []
    for (const one of statements) {
      signal.throwIfAborted()
      results.push(await runOne(client, one))
    }
    await client.query('COMMIT')
    return results
  } catch (error) {
    // The first failure is reported. The pool drops a connection that cannot roll back.
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function run(
  client: PoolClient,
  { query: text, params, arrayMode }: Statement,
  arrayModeByDefault: boolean,
  nameOf: Served['nameOf'],
): Promise<unknown> {
  const query = {
    ...(nameOf === undefined ? {} : { name: nameOf(text) }),
    text,
    values: params.map(toParameter),
    rowMode: 'array' as const,
    queryMode: 'extended',
  }
  return toAnswer(await client.query<unknown[]>(query), arrayMode ?? arrayModeByDefault)
}

/**
 * Neon converts values that are not JSON strings to PostgreSQL's text: arrays to array literals,
 * others to JSON.
 */
function toParameter(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) ? toArrayLiteral(value) : JSON.stringify(value)
}

function toArrayLiteral(values: readonly unknown[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL'
    if (Array.isArray(value)) return toArrayLiteral(value)
    return JSON.stringify(typeof value === 'object' ? JSON.stringify(value) : value)
  })
  return `{${items.join(',')}}`
}

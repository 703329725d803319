/**
 * Ledgers of several sizes behind one endpoint of Neon's protocol, so that the same functions can
 * run on each in turn. On demand every statement is explained: the pages it touches, which do not
 * depend on the machine, and whether it uses an index.
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Pool } from 'pg'
import * as v from 'valibot'
import { createNeon } from '../stand-ins/neon.ts'
import { listen } from '../world/listen.ts'
import { growing } from './growth-fill.ts'
import { planNode, type PlanNode } from './plan-node.ts'

export interface Explained {
  /** The statement, on one line. */
  readonly text: string
  /** In memory or not. */
  readonly pages: number
  /** The problems of the plan. */
  readonly faults: readonly string[]
}

export interface Ledgers {
  readonly endpoint: string
  /** Every later statement goes to this ledger. */
  use(pool: Pool): void
  /** Explains each statement that is sent meanwhile, just before it runs. */
  explainAll<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly explained: readonly Explained[]; readonly result: T }>
  readonly stop: () => Promise<void>
}

const statement = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ query: v.string(), params: v.optional(v.array(v.unknown()), []) }),
)

export async function openLedgers(): Promise<Ledgers> {
  let current: { readonly pool: Pool; readonly neon: Hono } | undefined
  let explained: Explained[] | undefined
  let previous: Promise<unknown> = Promise.resolve()

  const answer = async (request: Request): Promise<Response> => {
    if (current === undefined) return new Response('there is no ledger yet', { status: 503 })
    const { pool, neon } = current
    const body = await request.text()
    const forward = () =>
      Promise.resolve(neon.request('/sql', { method: 'POST', headers: request.headers, body }))
    if (explained === undefined) return forward()
    const into = explained
    const { query, params } = v.parse(statement, body)
    // One after another: a statement that is being explained locks rows that another one would
    // skip.
    const answering = previous.then(async () => {
      into.push(await explain(pool, query, params))
      return forward()
    })
    previous = answering.catch(() => undefined)
    return answering
  }

  const port = await listen('127.0.0.1', 0)
  port.serve(
    new Hono<{ Bindings: HttpBindings }>().post('/sql', (context) => answer(context.req.raw)),
  )
  return {
    endpoint: `${port.url}/sql`,
    use: (pool) => void (current = { pool, neon: createNeon({ pool }) }),
    async explainAll(work) {
      const into: Explained[] = []
      explained = into
      const result = await work().finally(() => (explained = undefined))
      return { explained: into, result }
    },
    stop: port.stop,
  }
}

/**
 * A list shows at most 100 orders, and a batch of a bill has at most 500 rows. A plan that reads
 * more searches.
 */
export const MOST_ROWS = 1_000

const pages = v.object({ 'Shared Hit Blocks': v.number(), 'Shared Read Blocks': v.number() })
const explanation = v.pipe(
  v.string(),
  v.parseJson(),
  v.tuple([v.object({ Plan: v.intersect([planNode, pages]) })]),
)
const explainedRows = v.tuple([v.object({ 'QUERY PLAN': explanation })])

/** Runs the statement and rolls it back. @param pool must return values as text. */
async function explain(pool: Pool, text: string, params: readonly unknown[]): Promise<Explained> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query(`explain (analyze, buffers, format json) ${text}`, [
      ...params,
    ])
    const [{ 'QUERY PLAN': plans }] = v.parse(explainedRows, rows)
    const [{ Plan: plan }] = plans
    return {
      text: text.replaceAll(/\s+/g, ' ').trim(),
      pages: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
      faults: faultsOf(plan),
    }
  } finally {
    await client.query('rollback')
    client.release()
  }
}

function faultsOf(node: PlanNode): readonly string[] {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index } = node
  const below = node.Plans.flatMap(faultsOf)
  if (!type.endsWith('Scan') || !growing.some((one) => one === table)) return below
  const removed = node['Rows Removed by Filter'] + node['Rows Removed by Index Recheck']
  const rows = (node['Actual Rows'] + removed) * node['Actual Loops']
  // `exists` without a condition reads one row.
  if (type.endsWith('Seq Scan') && rows > 1) return [`a sequential scan of ${table}`, ...below]
  if (rows <= MOST_ROWS) return below
  const along = index === '' ? '' : ` along ${index}`
  return [`${Math.round(rows).toLocaleString('en')} rows of ${table} read${along}`, ...below]
}

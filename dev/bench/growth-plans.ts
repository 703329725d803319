/**
 * How PostgreSQL goes about a statement: the pages it touches, which no machine's mood changes, and whether it gets anywhere
 * by an index. What is explained is really run, and then undone.
 */
import type { Pool } from 'pg'
import * as v from 'valibot'
import { growing } from './growth-fill.ts'

export interface Explained {
  /** The statement, on one line. */
  readonly text: string
  /** Touched, whether they were in memory or not. */
  readonly pages: number
  /** What is wrong with the plan, in words. */
  readonly faults: readonly string[]
}

/** No answer shows more than a hundred orders and no batch of a bill has more than 500 rows: who reads more looks for them in a heap. */
export const MOST_ROWS = 1_000

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string | undefined
  readonly 'Index Name'?: string | undefined
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number | undefined
  readonly 'Rows Removed by Index Recheck'?: number | undefined
  readonly Plans?: readonly PlanNode[] | undefined
}

const planNode: v.GenericSchema<unknown, PlanNode> = v.object({
  'Node Type': v.string(),
  'Relation Name': v.optional(v.string()),
  'Index Name': v.optional(v.string()),
  'Actual Rows': v.number(),
  'Actual Loops': v.number(),
  'Rows Removed by Filter': v.optional(v.number()),
  'Rows Removed by Index Recheck': v.optional(v.number()),
  Plans: v.optional(v.array(v.lazy(() => planNode))),
})
const pagesOf = v.object({ 'Shared Hit Blocks': v.number(), 'Shared Read Blocks': v.number() })
const explanation = v.pipe(
  v.string(),
  v.parseJson(),
  v.tuple([v.object({ Plan: v.intersect([planNode, pagesOf]) })]),
)
const explainedRows = v.tuple([v.object({ 'QUERY PLAN': explanation })])

/** @param pool must hand values over as text. */
export async function explain(
  pool: Pool,
  text: string,
  params: readonly unknown[],
): Promise<Explained> {
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
      faults: [...nodesOf(plan)].flatMap((node) => faultOf(node) ?? []),
    }
  } finally {
    await client.query('rollback')
    client.release()
  }
}

function* nodesOf(node: PlanNode): Generator<PlanNode> {
  yield node
  for (const below of node.Plans ?? []) yield* nodesOf(below)
}

const isGrowing = (table: string): boolean => growing.some((one) => one === table)

function faultOf(node: PlanNode): string | null {
  const { 'Node Type': type, 'Relation Name': table = '', 'Index Name': index } = node
  if (!type.endsWith('Scan') || !isGrowing(table)) return null
  if (type.endsWith('Seq Scan')) return `a sequential scan of ${table}`
  const rows =
    (node['Actual Rows'] +
      (node['Rows Removed by Filter'] ?? 0) +
      (node['Rows Removed by Index Recheck'] ?? 0)) *
    node['Actual Loops']
  return rows > MOST_ROWS
    ? `${Math.round(rows).toLocaleString('en')} rows of ${table} read${index === undefined ? '' : ` along ${index}`}`
    : null
}

/**
 * The merchant's system was down, and many events wait. The statistics of PostgreSQL are older than
 * these events: they say that no event waits. The outbox must nevertheless not read all of them.
 */
import type { PoolClient } from 'pg'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { planNode, type PlanNode } from '../../dev/bench/plan-node.ts'
import { schemaStatements } from '../../dev/migrate/migrate.ts'
import type { Database } from '../../dev/stand-ins/postgres.ts'
import type { Outbox } from '../../lib/ports.ts'
import type { Sql } from '../../lib/stores/neon.ts'
import { createOutbox } from '../../lib/stores/outbox.ts'
import { borrowStore } from '../support/embedded.ts'
import { theAccount } from '../support/latte.ts'

const LIMIT = 10
const NOW = new Date('2026-11-20T12:00:00Z')
const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000)

let database: Database
let client: PoolClient
beforeAll(async () => {
  ;({ database } = await borrowStore())
  for (const statement of schemaStatements(theAccount)) await database.pool.query(statement)
  client = await database.pool.connect()
})
afterAll(async () => {
  await client.query('deallocate all')
  await client.query('reset plan_cache_mode')
  client.release()
  await database.stop()
})

beforeEach(async () => {
  await client.query('truncate events')
  await insert(3_000, `'T' || n`, null)
  await client.query('vacuum (analyze) events')
})

/**
 * @param order SQL for the number of the order of event `n`
 * @param nextAttemptAt of the first event. The others follow. Null: they are delivered.
 */
const insert = (count: number, order: string, nextAttemptAt: Date | null) =>
  client.query(
    `insert into events (type, out_trade_no, data, created_at, next_attempt_at, delivered_at)
     select 'order.settled', ${order}, '{}', now(), at + n * interval '1 microsecond', case when at is null then now() end
     from generate_series(1, $1::integer) n, cast($2 as timestamptz) at`,
    [count, nextAttemptAt?.toISOString() ?? null],
  )

const plans = v.pipe(v.string(), v.parseJson(), v.tuple([v.object({ Plan: planNode })]))
const explained = v.tuple([v.object({ 'QUERY PLAN': plans })])

function rowsRead(node: PlanNode): number {
  const below = node.Plans.reduce((sum, one) => sum + rowsRead(one), 0)
  if (!node['Node Type'].endsWith('Scan') || node['Relation Name'] !== 'events') return below
  return below + (node['Actual Rows'] + node['Rows Removed by Filter']) * node['Actual Loops']
}

const literal = (value: unknown) =>
  `'${value instanceof Date ? value.toISOString() : String(value)}'`

/**
 * Runs the work with the plan for these parameters, and with the plan for any, and rolls it back.
 * Returns how many rows of `events` were read at most, and the orders whose events were taken.
 */
async function tryBoth(work: (outbox: Outbox) => Promise<unknown>) {
  const reads: number[] = []
  const taken = new Set<string>()
  const sql: Sql = {
    async query(text, params = []) {
      await client.query('deallocate all')
      await client.query(`prepare statement as ${text}`)
      for (const mode of ['custom', 'generic']) {
        await client.query(`set plan_cache_mode = force_${mode}_plan`)
        await client.query('begin')
        const { rows } = await client.query(
          `explain (analyze, format json) execute statement (${params.map(literal).join(', ')})`,
        )
        reads.push(rowsRead(v.parse(explained, rows)[0]['QUERY PLAN'][0].Plan))
        for (const order of await takenOrders()) taken.add(order)
        await client.query('rollback')
      }
      return []
    },
    transaction: () => Promise.reject(new Error('the outbox has no transaction')),
  }
  await work(createOutbox(sql))
  return { reads: Math.max(...reads), taken: [...taken] }
}

const takeDue = (outbox: Outbox) => outbox.takeDue(LIMIT, NOW, minutes(0.5))

const takenRows = v.array(v.object({ order: v.string() }))
const takenOrders = async () => {
  const { rows } = await client.query(
    'select out_trade_no as "order" from events where taken_at is not null order by seq',
  )
  return v.parse(takenRows, rows).map(({ order }) => order)
}
const first = Array.from({ length: LIMIT }, (_, at) => `W${at + 1}`)

describe.each([
  ['before', false],
  ['after', true],
])('with statistics from %s the events', (_, isFresh) => {
  const analyze = () => (isFresh ? client.query('analyze events') : undefined)

  test.each([
    ['as many orders', `'W' || n`],
    ['20 orders', `'W' || (n - 1) % 20 + 1`],
  ])('while 6,000 events of %s are due, only the first are read', async (_orders, order) => {
    await insert(6_000, order, minutes(-60))
    await analyze()
    const { reads, taken } = await tryBoth(takeDue)
    expect(taken).toEqual(first)
    // Each is read once to find it, and once to write it.
    expect(reads).toBeLessThanOrEqual(2 * LIMIT)
  })

  test.each([
    ['one order each', `'B' || n`],
    ['one order', `'B1'`],
  ])('events behind 2,000 that wait, of %s, are taken', async (_orders, order) => {
    const waiting = 2_000
    await insert(waiting, `'B' || n`, minutes(60))
    await insert(waiting, order, minutes(-60))
    await insert(1_200, `'W' || n`, minutes(-30))
    await analyze()
    const { reads, taken } = await tryBoth(takeDue)
    expect(taken).toEqual(first)
    // An event that waits is read with the one that it waits for. PostgreSQL rounds averages up.
    expect(reads).toBeLessThanOrEqual(2 * waiting + 3 * LIMIT)
  })

  test('marking an event as delivered reads no event of another order', async () => {
    await insert(6_000, `'W' || n`, minutes(-60))
    await analyze()
    const { rows } = await client.query(`select id from events where out_trade_no = 'W1'`)
    const [{ id }] = v.parse(v.tuple([v.object({ id: v.string() })]), rows)
    const { reads } = await tryBoth((outbox) => outbox.markDelivered(id, NOW))
    expect(reads).toBe(1)
  })
})

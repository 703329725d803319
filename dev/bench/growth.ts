/**
 * What becomes of each step when the ledger grows: the same questions to ledgers of several sizes, in turns. The pages that
 * PostgreSQL touches are counted beside the time, for they do not depend on what else the machine does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import * as v from 'valibot'
import { demoDatabase, demoValues } from '../world/demo-values.ts'
import { migrate } from '../migrate/migrate.ts'
import { openDatabase, openEmbedded } from '../stand-ins/postgres.ts'
import { startWorld } from '../world/world.ts'
import { fill } from './growth-fill.ts'
import { openLedgers, type Ledgers } from './growth-ledgers.ts'
import { measureGrowth, type Ledger } from './growth-measure.ts'
import { toGrowthTable } from './growth-table.ts'
import type { Bench, Part } from './part.ts'

/** The smallest ledger is two and a half days of it, so that yesterday is whole at every size. */
const SMALLEST_DAYS = 2.5
const [FAITHFUL, FAITHFUL_ORDERS] = ['oGrowthFaithful', 40]
const QUIET_MS = 3 * 3_600_000
const SOCKETS_CLOSE_MS = 200

export const growth: Part = {
  name: 'growth',
  async measure(bench) {
    const { isQuick, cleanups } = bench
    const serverUrl = process.env['TEST_DATABASE_URL']
    const large = serverUrl === undefined ? [100_000] : [1_000_000, 10_000_000]
    const sizes = isQuick ? [1_000, 10_000] : [10_000, ...large]
    const ledgers = await openLedgers()
    cleanups.add(ledgers.stop)
    const stores: Ledger[] = []
    for (const size of sizes)
      stores.push(await grow(bench, ledgers, serverUrl, size, sizes[0] ?? size))
    bench.progress('a world of its own')
    const world = await startWorld({
      env: { DATABASE_URL: demoDatabase, NEON_HTTP_ENDPOINT: ledgers.endpoint },
      redisUrl: process.env['TEST_REDIS_URL'],
    })
    cleanups.add(world.stop)
    await world.simulator?.stop()
    const { measured, billRows } = await measureGrowth(bench, world, ledgers, stores, FAITHFUL)
    return toGrowthTable(measured, {
      billRows,
      ordersADay: (sizes[0] ?? NaN) / SMALLEST_DAYS,
      isEmbedded: serverUrl === undefined,
    })
  },
}

const oneText = v.tuple([v.object({ text: v.string() })])
const textOf = async (pool: Pool, query: string, values: readonly unknown[] = []) =>
  v.parse(oneText, (await pool.query(query, [...values])).rows)[0].text

async function grow(
  bench: Bench,
  ledgers: Ledgers,
  serverUrl: string | undefined,
  orders: number,
  smallest: number,
): Promise<Ledger> {
  bench.progress(`${orders.toLocaleString('en')} orders`)
  const { pool, stop } = await (serverUrl === undefined ? openEmbedded() : openDatabase(serverUrl))
  const broken = new AbortController()
  bench.cleanups.add(stop)
  bench.cleanups.add(() => broken.abort())
  ledgers.use(pool)
  await migrate({ ...demoValues, DATABASE_URL: demoDatabase, NEON_HTTP_ENDPOINT: ledgers.endpoint })
  const faithful = { openid: FAITHFUL, orders: FAITHFUL_ORDERS, amongLatest: smallest }
  const lastPlaced = new Date(Date.now() - QUIET_MS)
  await fill(
    pool,
    { orders, ordersADay: smallest / SMALLEST_DAYS, lastPlaced, faithful },
    broken.signal,
  )
  // An embedded database keeps the process from everything else, and sockets that have waited too long must be seen to be closed.
  await sleep(SOCKETS_CLOSE_MS)
  const half = await textOf(pool, 'select out_trade_no as text from orders where id = $1', [
    orders / 2,
  ])
  return {
    orders,
    pool,
    half,
    bytes: Number(await textOf(pool, 'select pg_database_size(current_database()) as text')),
  }
}

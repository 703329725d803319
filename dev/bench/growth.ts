/**
 * The cost of each step while the ledger grows: the same requests on ledgers of several sizes, in
 * turns. Pages are counted as well as the time, because they do not depend on the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import * as v from 'valibot'
import { dayOf, plusDays } from '../../lib/core/day.ts'
import * as failure from '../../lib/core/failure.ts'
import { migrate } from '../migrate/migrate.ts'
import { demoDatabase, demoValues } from '../world/demo-values.ts'
import { startWorld, type World } from '../world/world.ts'
import { Unavailable } from './client.ts'
import { fill } from './growth-fill.ts'
import { openLedgers, type Explained, type Ledgers } from './growth-ledgers.ts'
import { catchUpIdle, compareBill, createSteps, type Measure } from './growth-steps.ts'
import { toGrowthTable, type Ledger, type Measured } from './growth-table.ts'
import { median, takeTurns } from './measure.ts'
import type { Bench, Part } from './part.ts'
import { createDatabase, postgresUrl, redisUrl } from './servers.ts'
import { count } from './table.ts'

interface OpenLedger extends Ledger {
  readonly pool: Pool
  /** The number of an order in its middle. */
  readonly half: string
}

/** The smallest ledger holds so many days, so that yesterday is complete at every size. */
const SMALLEST_DAYS = 2.5
const [PAYER, ORDERS_OF_PAYER] = ['oGrowthFaithful', 40]
/** Nothing is due any more for orders that are older. */
const QUIET_MS = 3 * 3_600_000
const SOCKETS_CLOSE_MS = 200

export const measure: Part = async (bench) => {
  const large = postgresUrl === undefined ? [100_000] : [1_000_000, 10_000_000]
  const sizes = bench.isQuick ? [1_000, 10_000] : [10_000, ...large]
  const smallest = Math.min(...sizes)
  const ledgers = await openLedgers()
  bench.cleanups.add(ledgers.stop)
  const stores: OpenLedger[] = []
  for (const size of sizes) stores.push(await createLedger(bench, ledgers, size, smallest))
  bench.progress('starting a world')
  const world = await startWorld({
    env: { DATABASE_URL: demoDatabase, NEON_HTTP_ENDPOINT: ledgers.endpoint },
    redisUrl,
  })
  bench.cleanups.add(world.stop)
  await world.simulator?.stop()
  const { measured, billRows } = await measureAll(bench, world, ledgers, stores)
  return toGrowthTable(measured, billRows, smallest / SMALLEST_DAYS)
}

const oneText = v.tuple([v.object({ text: v.string() })])
const textOf = async (pool: Pool, query: string, values: readonly unknown[] = []) =>
  v.parse(oneText, (await pool.query(query, [...values])).rows)[0].text

async function createLedger(
  { progress, cleanups }: Bench,
  ledgers: Ledgers,
  orders: number,
  smallest: number,
): Promise<OpenLedger> {
  progress(`${count(orders)} orders`)
  const { pool, stop } = await createDatabase()
  cleanups.add(stop)
  ledgers.use(pool)
  await migrate({ ...demoValues, DATABASE_URL: demoDatabase, NEON_HTTP_ENDPOINT: ledgers.endpoint })
  const shop = {
    orders,
    ordersADay: smallest / SMALLEST_DAYS,
    lastPlaced: new Date(Date.now() - QUIET_MS),
    payer: { openid: PAYER, orders: ORDERS_OF_PAYER, amongLatest: smallest },
  }
  await fill(pool, shop, cleanups)
  // An embedded database blocks the process. Sockets that timed out meanwhile must be closed first.
  await sleep(SOCKETS_CLOSE_MS)
  const half = 'select out_trade_no as text from orders where id = $1'
  return {
    orders,
    pool,
    half: await textOf(pool, half, [orders / 2]),
    bytes: Number(await textOf(pool, 'select pg_database_size(current_database()) as text')),
  }
}

/** First with every statement explained, which also warms up, then timed. */
async function measureAll(
  { isQuick, rounds, progress }: Bench,
  world: World,
  ledgers: Ledgers,
  stores: readonly OpenLedger[],
): Promise<{ readonly measured: readonly Measured[]; readonly billRows: number }> {
  const steps = createSteps(world, PAYER)
  const day = plusDays(dayOf(new Date()), -1)
  let billRows = 0
  const walk = async ({ half }: OpenLedger, measureStep: Measure) => {
    await steps.pay(measureStep)
    await steps.afterPayment(measureStep)
    await steps.list(measureStep, half)
  }
  const runCron = async ({ pool }: OpenLedger, measureStep: Measure) => {
    await steps.sweep(measureStep, pool)
    billRows = await compareBill(measureStep, pool, world.env, day)
  }

  const records = stores.map((ledger) => ({
    ledger,
    ms: new Map<string, number[]>(),
    explained: new Map<string, (readonly Explained[])[]>(),
    unanswered: new Set<string>(),
  }))
  type Record = (typeof records)[number]
  const inTurns = (
    turns: number,
    what: string,
    work: (ledger: OpenLedger, measureStep: Measure) => Promise<void>,
    toMeasure: (record: Record) => Measure,
  ) =>
    takeTurns(records, turns, async (record, round) => {
      const { ledger } = record
      progress(`${what}, round ${round + 1} of ${turns}, ${count(ledger.orders)} orders`)
      ledgers.use(ledger.pool)
      const measureStep = toMeasure(record)
      await work(ledger, async (step, ask) => {
        await world.settled()
        return measureStep(step, ask)
      })
      await world.settled()
    })
  const explaining =
    (record: Record): Measure =>
    async (step, work) => {
      const { explained, result } = await ledgers.explainAll(async () => {
        const answer = await orNull(work)
        await world.settled()
        return answer
      })
      append(record.explained, step, explained)
      return result
    }
  const timing =
    (record: Record): Measure =>
    async (step, work) => {
      const startedAt = performance.now()
      const answer = await orNull(work)
      append(record.ms, step, performance.now() - startedAt)
      if (answer === null) record.unanswered.add(step)
      return answer
    }

  const few = isQuick ? 1 : 3
  const both = async (ledger: OpenLedger, measureStep: Measure) => {
    await walk(ledger, measureStep)
    await runCron(ledger, measureStep)
  }
  await inTurns(few, 'counting pages', both, explaining)
  await inTurns(rounds * few, 'timing', walk, timing)
  await inTurns(rounds, 'timing cron', runCron, timing)
  // Last, because it adds many orders.
  const idle = ({ pool }: OpenLedger, measureStep: Measure) =>
    catchUpIdle(measureStep, pool, world.env)
  await inTurns(1, 'counting pages of catching up', idle, explaining)

  const measured = records.map(({ ledger, ms, explained, unanswered }) => ({
    ledger,
    unanswered,
    explained: [...explained.values()].flat(2),
    steps: new Map(
      [...explained].map(([step, turns]) => {
        const times = ms.get(step)
        const cost = {
          ms: times === undefined ? undefined : median(times),
          pages: median(turns.map((turn) => turn.reduce((sum, { pages }) => sum + pages, 0))),
          statements: median(turns.map(({ length }) => length)),
        }
        return [step, cost]
      }),
    ),
  }))
  return { measured, billRows }
}

async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Unavailable || error instanceof failure.Unavailable) return null
    throw error
  }
}

function append<T>(record: Map<string, T[]>, step: string, value: T): void {
  record.set(step, [...(record.get(step) ?? []), value])
}

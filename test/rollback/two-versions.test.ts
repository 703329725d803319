/**
 * Processes with the functions of 0.1.0 and with the current ones on one database, while payers
 * buy, the merchant refunds, cron runs and processes are killed. First the tables of 0.1.0 are
 * migrated and the current version takes over. Then it is rolled back. The tests run in this
 * order.
 *
 * With `TEST_DATABASE_URL` and `TEST_REDIS_URL` the processes share real servers, and their
 * transactions run at the same time. The embedded PostgreSQL runs one transaction after another.
 */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { proxy } from 'hono/proxy'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readVariable } from '../../dev/program/environment.ts'
import { openDatabase, openEmbedded } from '../../dev/stand-ins/postgres.ts'
import { listen } from '../../dev/world/listen.ts'
import { migrations } from '../../lib/stores/schema.ts'
import { openProcesses } from '../processes/processes.ts'
import { earlierFunctions, earlierSources } from './earlier.ts'

const currentSources = resolve(import.meta.dirname, '../..')

const INSTANCES = 3
const PAYERS = 8
/** How many orders are placed between two steps. */
const SOME_ORDERS = 5
const ORDERS_MS = 30_000

const run = promisify(execFile)

describe('0.1.0 and the current version on one database', () => {
  let processes: Awaited<ReturnType<typeof openProcesses>>

  beforeAll(async () => {
    const databaseServer = readVariable(process.env, 'TEST_DATABASE_URL')
    const redisServer = readVariable(process.env, 'TEST_REDIS_URL')
    processes = await openProcesses({
      database: await (databaseServer === undefined
        ? openEmbedded()
        : openDatabase(databaseServer)),
      redisUrl: redisServer && new URL('/10', redisServer).href,
      migrate: false,
    })
    await migrate(earlierSources)
    await Promise.all(
      Array.from({ length: INSTANCES }, () => processes.instances.start(earlierFunctions)),
    )
  })
  afterAll(() => processes.stop())

  /** Runs `npm run migrate` of a version. */
  const migrate = (sources: string, endpoint = processes.env['NEON_HTTP_ENDPOINT']) =>
    run(process.execPath, [join(sources, 'dev/migrate.ts')], {
      env: { ...process.env, ...processes.env, NEON_HTTP_ENDPOINT: endpoint },
    })

  /** Each transaction of the migrations, and each index, begins after one more order. */
  async function migrateWhileSelling(): Promise<void> {
    const port = await listen('127.0.0.1', 0)
    port.serve(
      new Hono<{ Bindings: HttpBindings }>().post('*', async ({ req: { raw } }) => {
        const body = await raw.clone().text()
        if (!body.startsWith('{"query":"select')) await ordersPlaced(1)
        return proxy(processes.env['NEON_HTTP_ENDPOINT'] ?? '', { raw })
      }),
    )
    try {
      await migrate(currentSources, port.url)
    } finally {
      await port.stop()
    }
  }

  async function ordersPlaced(more: number): Promise<void> {
    const { sales } = processes
    const enough = sales.length + more
    await vi.waitFor(() => expect(sales.length).toBeGreaterThanOrEqual(enough), {
      timeout: ORDERS_MS,
      interval: 10,
    })
  }

  /** Kills the oldest process while cron runs, and starts one with these functions. */
  async function replaceOldest(functions?: string): Promise<void> {
    const { instances, runCron } = processes
    await Promise.all([runCron(), instances.replace(instances.live[0], functions)])
    await ordersPlaced(SOME_ORDERS)
  }

  async function replaceAll(functions?: string): Promise<void> {
    for (let replaced = 0; replaced < INSTANCES; replaced += 1) await replaceOldest(functions)
  }

  async function expectPromisesKept(): Promise<void> {
    expect(await processes.finish()).toEqual({ unfinished: 0, broken: [] })
    expect(await processes.query('select * from incidents')).toEqual([])
    expect(processes.sales.some(({ refundedFee }) => refundedFee > 0)).toBe(true)
  }

  async function findMigrations() {
    const rows = await processes.query('select name from migrations order by name')
    return rows.map(({ name }) => name)
  }

  test('the tables are migrated while 0.1.0 serves, and the current version takes over', async () => {
    expect(await findMigrations()).toHaveLength(3)
    await processes.sellDuring(PAYERS, async () => {
      await ordersPlaced(SOME_ORDERS)
      await Promise.all([migrateWhileSelling(), replaceOldest(earlierFunctions)])
      await replaceAll()
    })
    expect(await findMigrations()).toEqual(migrations.map(({ name }) => name))
    await expectPromisesKept()
  })

  test('the current version is rolled back, and 0.1.0 finishes what is left', async () => {
    await processes.sellDuring(PAYERS, () => replaceAll(earlierFunctions))
    await expectPromisesKept()
  })
})

/**
 * Several processes with all functions, on one real PostgreSQL and one real Redis. Processes,
 * connections, the database and Redis fail in turn. `npm run test:real` runs it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../dev/stand-ins/postgres.ts'
import { openProcesses } from './processes.ts'
import { troublesOf } from './trouble.ts'

const databaseServer = process.env['TEST_DATABASE_URL']
const redisServer = process.env['TEST_REDIS_URL']

const INSTANCES = 3
const PAYERS = 12
/** How often each trouble occurs. */
const ROUNDS = 2
const PAUSE_MS = 700

const isMissing = databaseServer === undefined || redisServer === undefined

describe.skipIf(isMissing)('several processes on real servers', () => {
  let processes: Awaited<ReturnType<typeof openProcesses>>

  beforeAll(async () => {
    processes = await openProcesses({
      database: await openDatabase(databaseServer ?? ''),
      redisUrl: new URL('/9', redisServer).href,
    })
    for (let started = 0; started < INSTANCES; started += 1) await processes.instances.start()
  })
  afterAll(() => processes.stop())

  test('no payment, refund or event is lost or doubled, whatever fails', async () => {
    const { instances, query, resetConnections, sales } = processes
    const [{ name } = { name: '' }] = await query('select current_database() as name')
    const troubles = troublesOf({
      instances,
      resetConnections,
      databaseUrl: new URL(`/${String(name)}`, databaseServer).href,
      redisUrl: redisServer ?? '',
    })
    await processes.sellDuring(PAYERS, async () => {
      for (let round = 0; round < ROUNDS; round += 1)
        for (const { cause } of troubles) {
          await sleep(PAUSE_MS)
          await cause()
        }
    })
    expect(await processes.finish()).toEqual({ unfinished: 0, broken: [] })
    expect(sales.filter(({ isPaid }) => isPaid).length).toBeGreaterThan(PAYERS)
    expect(sales.some(({ refundedFee }) => refundedFee > 0)).toBe(true)
  })
})

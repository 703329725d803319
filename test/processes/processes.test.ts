/**
 * Several processes with all functions, on one real PostgreSQL and one real Redis. Processes,
 * connections, the database and Redis fail in turn. `npm run test:real` runs it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase, type Database } from '../../dev/stand-ins/postgres.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { countUnfinished, findBrokenPromises, makeDue, type Query } from './broken-promises.ts'
import { Instances, openBalancer, openProxy } from './instances.ts'
import { openReceiver } from './receiver.ts'
import { buyAgainAndAgain, fillCatalogue, repeat, type Sale, type Shop } from './payers.ts'
import { troublesOf } from './trouble.ts'

const databaseServer = process.env['TEST_DATABASE_URL']
const redisServer = process.env['TEST_REDIS_URL']

const SECRET = 'whsec_cHJvY2Vzc2VzLW9uLXJlYWwtc2VydmVycy0wMDAx'

const INSTANCES = 3
const PAYERS = 12
/** How often each trouble occurs. */
const ROUNDS = 2
const PAUSE_MS = 700
/** Work that is left is done by cron, which runs this often at most. */
const MOST_CRON_RUNS = 40

const isMissing = databaseServer === undefined || redisServer === undefined

describe.skipIf(isMissing)('several processes on real servers', () => {
  let database: Database
  let world: World
  let balancer: Awaited<ReturnType<typeof openBalancer>>
  let proxy: Awaited<ReturnType<typeof openProxy>>
  let receiver: Awaited<ReturnType<typeof openReceiver>>
  let instances: Instances

  beforeAll(async () => {
    database = await openDatabase(databaseServer ?? '')
    balancer = await openBalancer()
    receiver = await openReceiver(SECRET)
    world = await startWorld({
      env: {
        PUBLIC_URL: balancer.url,
        ORDER_WEBHOOK_URL: receiver.url,
        ORDER_WEBHOOK_SECRET: SECRET,
      },
      database,
      redisUrl: new URL('/9', redisServer).href,
    })
    proxy = await openProxy(world.url)
    const env: Record<string, string> = {}
    for (const [name, value] of Object.entries(world.env))
      env[name] = value.replace(world.url, proxy.url)
    instances = new Instances(env)
    balancer.serve(instances)
    for (let started = 0; started < INSTANCES; started += 1) await instances.start()
  })
  afterAll(async () => {
    await instances.killAll()
    proxy.stop()
    balancer.stop()
    receiver.stop()
    await world.stop()
  })

  test('no payment, refund or event is lost or doubled, whatever fails', async () => {
    const { simulator, env } = world
    if (simulator === undefined) throw new Error('the world has no WeChat simulator')
    const query: Query = async (text) =>
      (await database.pool.query<Record<string, unknown>>(text)).rows
    const [{ name } = { name: '' }] = await query('select current_database() as name')
    const shop: Shop = {
      url: balancer.url,
      wechat: simulator,
      merchantKey: env.MERCHANT_API_KEY,
      cronSecret: env.CRON_SECRET,
    }
    const sales: Sale[] = []
    let isOver = false
    await fillCatalogue(shop)
    const buying = Promise.all(
      Array.from({ length: PAYERS }, (_, payer) =>
        buyAgainAndAgain(shop, payer, sales, () => isOver),
      ),
    )
    // It is awaited below.
    buying.catch(() => undefined)
    const troubles = troublesOf({
      instances,
      resetConnections: proxy.reset,
      databaseUrl: new URL(`/${String(name)}`, databaseServer).href,
      redisUrl: redisServer ?? '',
    })
    for (let round = 0; round < ROUNDS; round += 1)
      for (const { cause } of troubles) {
        await sleep(PAUSE_MS)
        await cause()
      }
    isOver = true
    await buying
    for (let runs = 0; runs < MOST_CRON_RUNS && (await countUnfinished(query)) > 0; runs += 1) {
      await makeDue(query)
      await repeat(shop, '/api/cron', { token: shop.cronSecret })
      await sleep(PAUSE_MS)
    }
    expect(await countUnfinished(query)).toBe(0)
    expect(sales.filter(({ isPaid }) => isPaid).length).toBeGreaterThan(PAYERS)
    expect(sales.some(({ refundedFee }) => refundedFee > 0)).toBe(true)
    expect(await findBrokenPromises(simulator, query, sales, receiver.received)).toEqual([])
  })
})

/**
 * A process with everything a server under load talks to: database, Redis, WeChat and the merchant's webhook, next door or
 * 20 ms away. Tells its parent the ways there, does as it is told, and ends, cleaning up, with its parent.
 *
 * `PUBLIC_URL` says where WeChat is to call the functions; another server names its own address with each order.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { openDatabase, openEmbedded } from '../stand-ins/postgres.ts'
import { startWorld } from '../world/world.ts'
import { openMerchant } from './load-merchant.ts'
import { storeOrders } from './load-orders.ts'
import { openLongWay } from './load-proxy.ts'

const addedMs = Number(process.argv[2])
const [postgresUrl, redisUrl] = [process.env['TEST_DATABASE_URL'], process.env['TEST_REDIS_URL']]

const merchant = await openMerchant()
const database = await (postgresUrl === undefined ? openEmbedded() : openDatabase(postgresUrl))
const world = await startWorld({
  // The other server's library has no other type that a notification could be checked with.
  env: {
    PUBLIC_URL: process.env['PUBLIC_URL'],
    ORDER_WEBHOOK_URL: merchant.url,
    WECHAT_SIGN_TYPE: 'MD5',
  },
  database,
  redisUrl,
}).catch(async (error: unknown) => {
  await database.stop()
  throw error
})
const { simulator, faults } = world
if (addedMs > 0) {
  faults.database.slow(addedMs)
  faults.redis.slow(addedMs)
  for (const on of ['jscode2session', 'unifiedorder', 'orderquery'] as const)
    simulator?.misbehave({ on, do: 'delay', ms: addedMs })
}

/** Where a server with connections of its own finds the same PostgreSQL and the same Redis. */
async function findWays() {
  if (postgresUrl === undefined || redisUrl === undefined) return null
  const { rows } = await database.pool.query<{ name: string }>('select current_database() as name')
  const ways = { postgres: new URL(postgresUrl), redis: new URL(redisUrl) }
  ways.postgres.pathname = rows[0]?.name ?? ''
  if (addedMs > 0) {
    await lengthen(ways.postgres, 5432)
    await lengthen(ways.redis, 6379)
  }
  return { postgres: ways.postgres.href, redis: ways.redis.href }
}

async function lengthen(way: URL, usualPort: number): Promise<void> {
  way.port = String(await openLongWay(way.hostname, Number(way.port || usualPort), addedMs))
  way.hostname = '127.0.0.1'
}

/** Until WeChat has told of every payment. */
async function becomeQuiet(): Promise<void> {
  while (
    simulator
      ?.notifications()
      .some(({ acknowledged, attempts }) => !acknowledged && attempts.length === 0)
  )
    await sleep(50)
}

const order = v.union([
  v.literal('hang'),
  v.literal('mend'),
  v.literal('quiet'),
  v.object({
    store: v.array(v.string()),
    table: v.picklist(['orders', 'shop.orders']),
    notifyUrl: v.string(),
  }),
])

async function obey(told: v.InferOutput<typeof order>): Promise<void> {
  if (told === 'hang') merchant.hang()
  else if (told === 'mend') merchant.mend()
  else if (told === 'quiet') await becomeQuiet()
  else await database.pool.query(storeOrders(told.table), [told.store, told.notifyUrl])
  process.send?.('done')
}

process.on('message', (message) => void obey(v.parse(order, message)))
const leave = () => void world.stop().finally(() => process.exit())
process.on('disconnect', leave)
// Nobody may be listening any more by now.
if (!process.connected) leave()
process.send?.({ url: world.url, env: world.env, ways: await findWays() })

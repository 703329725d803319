/**
 * A process with everything that an instance talks to: database, Redis, WeChat and the merchant's
 * webhook, each request to them delayed by as many milliseconds as its argument says. Obeys its
 * parent, and cleans up when the parent disconnects.
 *
 * `PUBLIC_URL` is where WeChat calls the functions. Another server puts its own URL into each
 * order.
 */
import { createServer } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { startWorld } from '../world/world.ts'
import { listenLocally } from './child.ts'
import { PRICE } from './client.ts'
import { createDatabase, postgresUrl, redisUrl, slowDown } from './servers.ts'

const addedMs = Number(process.argv[2])

let hangs = false
const webhook = createServer((request, response) => {
  request.resume()
  if (!hangs) request.once('end', () => response.writeHead(204).end())
})
const database = await createDatabase()
const world = await startWorld({
  env: {
    PUBLIC_URL: process.env['PUBLIC_URL'],
    ORDER_WEBHOOK_URL: `http://127.0.0.1:${await listenLocally(webhook)}/events`,
    // The library of the other server checks no other type.
    WECHAT_SIGN_TYPE: 'MD5',
  },
  database,
  redisUrl,
}).catch(async (error: unknown) => {
  await database.stop()
  throw error
})
if (addedMs > 0) slowDown(world, addedMs)

/**
 * The addresses of PostgreSQL and Redis for a server with connections of its own. The embedded ones
 * have none.
 */
async function findAddresses() {
  if (postgresUrl === undefined || redisUrl === undefined) return null
  const { rows } = await database.pool.query<{ name: string }>('select current_database() as name')
  const postgres = await viaProxy(new URL(`/${rows[0]?.name}`, postgresUrl), 5432)
  return { postgres, redis: await viaProxy(new URL(redisUrl), 6379) }
}

/**
 * Returns the address of a proxy that delays what is sent to the server, and passes its answers on
 * without delay.
 */
async function viaProxy(server: URL, defaultPort: number): Promise<string> {
  if (addedMs === 0) return server.href
  const to = { host: server.hostname, port: Number(server.port || defaultPort), noDelay: true }
  const proxy = createTcpServer({ noDelay: true }, (near) => {
    const far = connect(to)
    near.on('data', (bytes) => void setTimeout(() => far.write(bytes), addedMs))
    near.on('end', () => void setTimeout(() => far.end(), addedMs))
    far.pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  return Object.assign(server, { hostname: '127.0.0.1', port: String(await listenLocally(proxy)) })
    .href
}

/** Unpaid orders as each of the servers would have stored them. */
const storeOrders = (table: 'orders' | 'shop.orders') => `
  insert into ${table} (out_trade_no, openid, total_fee, body, attach, items, client_ip, notify_url, created_at, time_expire${table === 'orders' ? ', request_hash' : ''})
  select number, 'oDemo000000000000000000User1', ${PRICE}, '拿铁', 'store=1&src=mp', '[{"sku":"latte","name":"拿铁","price":${PRICE},"quantity":1}]', '9.0.0.1', $2, now(),
    now() + interval '2 hours'${table === 'orders' ? `, 'bench'` : ''}
  from unnest($1::text[]) as number`

const order = v.union([
  v.picklist(['hang', 'recover', 'drain', 'mute']),
  v.object({
    store: v.array(v.string()),
    table: v.picklist(['orders', 'shop.orders']),
    notifyUrl: v.string(),
  }),
])

async function obey(message: v.InferOutput<typeof order>): Promise<void> {
  if (typeof message === 'object')
    await database.pool.query(storeOrders(message.table), [message.store, message.notifyUrl])
  // Every payment has been notified once.
  else if (message === 'drain')
    while (
      world.simulator
        ?.notifications()
        .some(({ acknowledged, attempts }) => !acknowledged && attempts.length === 0)
    )
      await sleep(50)
  // WeChat sends no notification any more.
  else if (message === 'mute') await world.simulator?.stop()
  else {
    hangs = message === 'hang'
    if (!hangs) webhook.closeAllConnections()
  }
  process.send?.('done')
}

process.on('message', (message) => void obey(v.parse(order, message)))
const leave = () => void world.stop().finally(() => process.exit())
process.on('disconnect', leave)
// The parent may have disconnected meanwhile.
if (!process.connected) leave()
process.send?.({ url: world.url, env: world.env, addresses: await findAddresses() })

/**
 * An instance is frozen again and again. Meanwhile the database, Redis and WeChat close its
 * connections, over real TLS: silently, so that the next request finds out, or while they have that
 * request, before or after they have handled it. No step of a payment may fail.
 */
import { once } from 'node:events'
import { request as requestOverHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPeer, trustPeers, type Peer } from '../http-client/tls-peer.ts'
import { Random } from '../simulation/random.ts'
import { sentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'

const FREEZES = 1_000
const SEED = 'freezes'

const LOGIN = '/sns/jscode2session'

type Fault = 'closed' | 'reset' | 'lost request' | 'lost answer'
const FAULTS: readonly Fault[] = ['closed', 'reset', 'lost request', 'lost answer']

let shop: Shop
let peer: Peer
let distrust: () => void
beforeAll(async () => {
  distrust = trustPeers()
  shop = await openShop()
  peer = await openPeer((request, response) => void answer(request, response))
  const { env } = shop.world
  for (const name of [
    'WECHAT_API_URL',
    'WECHAT_PAY_URL',
    'NEON_HTTP_ENDPOINT',
    'UPSTASH_REDIS_REST_URL',
  ])
    process.env[name] = (env[name] ?? '').replace(shop.world.url, peer.url)
})
afterAll(async () => {
  await shop.close()
  await peer.stop()
  distrust()
})

/** The connections that are closed at their next request, and how. */
const doomed = new Map<Socket, 'lost request' | 'lost answer'>()
const seen = new Set<Socket>()
const met = { closed: 0, reset: 0, 'lost request': 0, 'lost answer': 0 }

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { socket } = request
  seen.add(socket)
  const { method, headers, url = '' } = request
  const wanted = doomed.get(socket)
  // WeChat exchanges a login code once, so the second copy would be an unknown outcome.
  const fault = wanted !== undefined && url.includes(LOGIN) ? 'lost request' : wanted
  doomed.delete(socket)
  if (fault !== undefined) met[fault] += 1
  const body = await buffer(request)
  if (fault === 'lost request') return peer.endOf(request, 'reset')
  const sent = requestOverHttp(shop.world.url + url, { method, headers })
  sent.end(body)
  const answered: IncomingMessage = (await once(sent, 'response'))[0]
  const bytes = await buffer(answered)
  if (fault === 'lost answer') return peer.endOf(request, 'reset')
  // The world's own limit is not that of the services.
  const { 'keep-alive': _, ...kept } = answered.headers
  response.writeHead(answered.statusCode ?? 500, kept).end(bytes)
}

function freeze(fault: Fault): void {
  if (fault === 'lost request' || fault === 'lost answer') {
    for (const socket of seen) if (!socket.destroyed) doomed.set(socket, fault)
  } else {
    met[fault] += 1
    peer.endAll(fault === 'closed' ? 'end' : 'reset')
  }
  seen.clear()
}

test('no step of a payment fails after a freeze', async () => {
  const random = new Random(SEED)
  let freezes = 0
  const frozen = async <T>(step: () => Promise<T>): Promise<T> => {
    await shop.world.settled()
    freeze(random.pick(FAULTS))
    freezes += 1
    return step()
  }
  let orders = 0
  while (freezes < FREEZES) {
    const token = await frozen(() => shop.logIn())
    const outTradeNo = await frozen(() => shop.placeOrder(token))
    const first = await frozen(() => shop.prepay(token, outTradeNo))
    const again = await frozen(() => shop.prepay(token, outTradeNo))
    expect(again['package']).toBe(first['package'])
    await shop.pay(token, outTradeNo)
    if (random.chance(0.5)) {
      const { status } = await frozen(() => shop.notify(sentMessage(shop, outTradeNo)))
      expect(status).toBe(200)
    }
    const order = await frozen(() => shop.query(token, outTradeNo))
    expect(order['tradeState']).toBe('SUCCESS')
    orders += 1
  }
  await shop.world.settled()
  const [stored] = await shop.sql(`select
    (select count(*) from orders)::int as orders,
    (select count(*) from payments)::int as payments,
    (select count(*) from events where type = 'order.paid')::int as events`)
  expect(stored).toEqual({ orders, payments: orders, events: orders })
  expect(shop.wechat.orders()).toHaveLength(orders)
  expect(Math.min(...Object.values(met))).toBeGreaterThan(100)
}, 300_000)

/**
 * An instance is frozen again and again. Meanwhile the database, Redis and WeChat close its
 * connections, over real TLS: silently, so that the next request finds out, or while they have that
 * request, before or after they have handled it. No step of a payment may fail.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random } from '../simulation/random.ts'
import { sentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { openTlsServices, type Service, type TlsServices } from '../support/tls-services.ts'

const FREEZES = 1_000
const SEED = 'freezes'

const FAULTS = ['closed', 'reset', 'lost request', 'lost answer'] as const
type Fault = (typeof FAULTS)[number]

let shop: Shop
let services: TlsServices
beforeAll(async () => {
  shop = await openShop()
  services = await openTlsServices(shop, handle)
})
afterAll(async () => {
  await shop.close()
  await services.stop()
})

/** The connections that are closed at their next request, and how. */
const doomed = new Map<Socket, Fault>()
const seen = new Set<Socket>()
const met = { closed: 0, reset: 0, 'lost request': 0, 'lost answer': 0 }

async function handle(
  service: Service,
  request: IncomingMessage,
  pass: () => Promise<() => void>,
): Promise<void> {
  const { socket, url = '' } = request
  seen.add(socket)
  const wanted = doomed.get(socket)
  // WeChat exchanges a login code once, so the second copy would be an unknown outcome.
  const isLogin = url.includes('/sns/jscode2session')
  const fault = wanted !== undefined && isLogin ? 'lost request' : wanted
  doomed.delete(socket)
  if (fault !== undefined) met[fault] += 1
  const answer = fault === 'lost request' ? null : await pass()
  if (fault === undefined) answer?.()
  else services.peers[service].endOf(request, 'reset')
}

function freeze(fault: Fault): void {
  if (fault === 'lost request' || fault === 'lost answer') {
    for (const socket of seen) if (!socket.destroyed) doomed.set(socket, fault)
  } else {
    met[fault] += 1
    for (const peer of Object.values(services.peers))
      peer.endAll(fault === 'closed' ? 'end' : 'reset')
  }
  seen.clear()
}

/** Each order is paid, has one payment and one event, and was placed once. */
async function expectPaid(orders: number): Promise<void> {
  await shop.world.settled()
  const [stored] = await shop.sql(`select
    (select count(*) from orders where trade_state = 'SUCCESS')::int as paid,
    (select count(*) from orders)::int as orders,
    (select count(*) from payments)::int as payments,
    (select count(*) from events where type = 'order.paid')::int as events`)
  expect(stored).toEqual({ paid: orders, orders, payments: orders, events: orders })
  expect(shop.wechat.orders()).toHaveLength(orders)
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
  const isDone = () => freezes >= FREEZES
  let orders = 0
  while (!isDone()) {
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
  await expectPaid(orders)
  expect(Math.min(...Object.values(met))).toBeGreaterThan(100)
}, 300_000)

const PAYERS = 20
const RESET_EVERY_MS = 100
const MOST_ATTEMPTS = 100

test('connections that are reset under load lose no payment and double none', async () => {
  const [already] = await shop.sql('select count(*)::int as orders from orders')
  const resetting = setInterval(() => {
    for (const peer of Object.values(services.peers)) peer.endAll('reset')
  }, RESET_EVERY_MS)
  let failures = 0
  /** A reset during an answer is an unknown outcome, so the client repeats the step. */
  const repeated = async <T>(step: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await step()
      } catch (cause) {
        failures += 1
        if (attempt === MOST_ATTEMPTS) throw cause
      }
    }
  }
  const buy = async () => {
    const token = await repeated(() => shop.logIn())
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const outTradeNo = await repeated(() => shop.placeOrder(token, headers))
    await repeated(() => shop.prepay(token, outTradeNo))
    await repeated(() => shop.pay(token, outTradeNo))
    const order = await repeated(() => shop.query(token, outTradeNo))
    expect(order['tradeState']).toBe('SUCCESS')
  }
  await Promise.all(Array.from({ length: PAYERS }, buy)).finally(() => clearInterval(resetting))
  expect(failures).toBeGreaterThan(0)
  await expectPaid(Number(already?.['orders']) + PAYERS)
}, 300_000)

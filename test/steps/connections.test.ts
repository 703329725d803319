/**
 * How many connections the steps of a payment open, over real TLS. Setting up a connection costs
 * two round trips, so after a pause of a payer none may be opened.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { thisInstance } from '../../lib/composition.ts'
import { clocks } from '../../lib/http-client/idle-sockets.ts'
import { sentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { openTlsServices, type TlsServices } from '../support/tls-services.ts'

let shop: Shop
let services: TlsServices
beforeAll(async () => {
  shop = await openShop()
  services = await openTlsServices(shop)
})
afterAll(async () => {
  await shop.close()
  await services.stop()
})
beforeEach(() => void vi.restoreAllMocks())

const count = () => {
  const { database, redis, wechat } = services.peers
  return {
    database: database.connections(),
    redis: redis.connections(),
    wechat: wechat.connections(),
  }
}

/** Waits for connections that were opened and are not ready yet, or were used and not returned. */
async function allReady(): Promise<void> {
  await vi.waitUntil(() =>
    Object.values(services.peers).every((peer) => peer.secured() === peer.connections()),
  )
  await nextTurn()
}

/** The connections that a step opens before its answer. The work after the answer is held back. */
async function opened(step: () => Promise<unknown>) {
  await shop.world.settled()
  await allReady()
  const { deps, edge } = thisInstance()
  const held: (() => Promise<unknown>)[] = []
  const release = [deps, edge].map((one) => {
    const own = Object.getOwnPropertyDescriptor(one, 'waitUntil') ?? {}
    const value = (work: () => Promise<unknown>) => void held.push(work)
    Object.defineProperty(one, 'waitUntil', { configurable: true, value })
    return () => Object.defineProperty(one, 'waitUntil', own)
  })
  const before = count()
  await step()
  const after = count()
  for (const restore of release) restore()
  for (const work of held) edge.waitUntil(work)
  await shop.world.settled()
  return {
    database: after.database - before.database,
    redis: after.redis - before.redis,
    wechat: after.wechat - before.wechat,
  }
}

test('the first login of an instance opens one connection to WeChat and one to the database', async () => {
  await opened(() => shop.logIn())
  expect(count()).toMatchObject({ database: 1, wechat: 1 })
})

/** Lets time pass, on the clocks of idle connections. */
async function passTime(ms: number): Promise<void> {
  await shop.world.settled()
  for (const clock of ['monotonic', 'wall'] as const) {
    const now = clocks[clock]()
    vi.spyOn(clocks, clock).mockReturnValue(now + ms)
  }
}

const PAUSES = [7, 60]
/** Each prepares an order, and returns the step that is counted. */
const steps: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
  login: async () => () => shop.logIn(),
  order: async () => {
    const token = await shop.logIn()
    return () => shop.placeOrder(token)
  },
  'prepay, new': async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    return () => shop.prepay(token, outTradeNo)
  },
  'prepay, cached': async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    await shop.prepay(token, outTradeNo)
    return () => shop.prepay(token, outTradeNo)
  },
  'query, unpaid': async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    return () => shop.query(token, outTradeNo)
  },
  'query, final': async () => {
    const { token, outTradeNo } = await shop.sell()
    return () => shop.query(token, outTradeNo)
  },
  'notify, repeated': async () => {
    const { outTradeNo } = await shop.sell()
    return () => shop.notify(sentMessage(shop, outTradeNo))
  },
}
const cases = Object.entries(steps).flatMap(([name, prepare]) =>
  PAUSES.map((pause) => ({ name, pause, prepare })),
)

test.each(cases)(
  '$name opens no connection after a pause of $pause s',
  async ({ pause, prepare }) => {
    // As in a shop that has been open for a while: each service has answered a moment ago.
    await shop.sell()
    const step = await prepare()
    await passTime(pause * 1_000)
    expect(await opened(step)).toEqual({ database: 0, redis: 0, wechat: 0 })
  },
)

test('a report of the limits leaves the connection to Redis to the request', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.prepay(token, outTradeNo)
  await shop.world.settled()
  await allReady()
  const before = count()
  // An instance reports two calls of a step together.
  await shop.prepay(token, outTradeNo)
  await shop.world.settled()
  expect(count()).toEqual(before)
})

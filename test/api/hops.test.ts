/**
 * How many requests a caller waits for.
 *
 * The handler is called with `later` collecting the work instead of starting it: what was counted when the handler
 * returned is what the caller waited for, and the rest is run and counted only then. How often somebody called is counted
 * beside all of them, which limits.test.ts holds: here nobody may wait for it.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { post as close } from '../../api/close.ts'
import { post as logIn } from '../../api/login.ts'
import { post as notify } from '../../api/notify.ts'
import { post as placeOrder } from '../../api/orders.ts'
import { post as prepay } from '../../api/prepay.ts'
import { get as query } from '../../api/query.ts'
import type { Handler } from '../../lib/http/serve.ts'
import type { Deps } from '../../lib/ports.ts'
import { signed } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import { wire } from '../../lib/composition.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  // Nothing may move but what a test moves.
  await shop.wechat.stop()
})
beforeEach(async () => {
  token = await shop.logIn()
  outTradeNo = await shop.placeOrder(token)
  await shop.world.settled()
})
afterAll(() => shop.close())

const count = () => ({
  database: shop.world.faults.database.count(),
  redis: shop.world.faults.redis.count(),
  wechat: shop.wechat.wire.length,
})

/** What one call asks of whom, before its answer and after it. */
async function countRequests(handler: Handler, request: Request) {
  await shop.world.settled()
  const held: (() => Promise<unknown>)[] = []
  const start = count()
  let countings = 0
  const limits = { ...wire().limits, count: async () => void (countings += 1) }
  const handled = await handler(request, {
    ...wire(),
    limits,
    waitUntil: (work) => void held.push(work),
  })
  const answered = count()
  expect(countings).toBe(0)
  for (const work of held) await work()
  const done = count()
  const between = (from: typeof start, to: typeof start) => ({
    database: to.database - from.database,
    redis: to.redis - from.redis,
    wechat: to.wechat - from.wechat,
  })
  return {
    outcome: handled.ok ? handled.value.status : handled.error.reason,
    before: between(start, answered),
    after: between(answered, done),
  }
}

const post = (path: string, body: object) =>
  new Request(shop.world.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
const ask = () =>
  new Request(`${shop.world.url}/api/query?outTradeNo=${outTradeNo}`, {
    headers: { authorization: `Bearer ${token}` },
  })
/** The notification WeChat has ready for the order, which the stopped simulator does not send. */
const notification = (more: Record<string, string> = {}) => {
  const due = shop.wechat
    .notifications()
    .find((notification) => notification.outTradeNo === outTradeNo)
  if (due === undefined) throw new Error('WeChat has no notification for this order')
  const { env } = shop.world
  const body = writeXml(
    signed(new Map(Object.entries({ ...due.message, ...more })), env.WECHAT_PAY_KEY, due.signType),
  )
  return new Request(`${shop.world.url}/api/notify`, { method: 'POST', body })
}

test('the first prepay waits for ledger and Redis, then for WeChat; the cache is filled after the answer', async () => {
  expect(await countRequests(prepay, post('/api/prepay', { outTradeNo }))).toEqual({
    outcome: 200,
    before: { database: 1, redis: 1, wechat: 1 },
    after: { database: 0, redis: 1, wechat: 0 },
  })
})

test('every further prepay waits for ledger and Redis only', async () => {
  await shop.prepay(token, outTradeNo)
  expect(await countRequests(prepay, post('/api/prepay', { outTradeNo }))).toEqual({
    outcome: 200,
    before: { database: 1, redis: 1, wechat: 0 },
    after: { database: 0, redis: 0, wechat: 0 },
  })
})

test('a first notification waits for lock and order, then for one statement; the merchant is told after the answer', async () => {
  await shop.pay(token, outTradeNo)
  const { outcome, before, after } = await countRequests(notify, notification())
  expect([outcome, before]).toEqual([200, { database: 2, redis: 1, wechat: 0 }])
  // Two statements: taken, delivered. The lock runs out by itself.
  expect(after).toEqual({ database: 2, redis: 0, wechat: 0 })
})

test('a first notification with an undocumented field waits for WeChat, too', async () => {
  await shop.pay(token, outTradeNo)
  const { outcome, before } = await countRequests(notify, notification({ brand_new_field: '1' }))
  expect([outcome, before]).toEqual([200, { database: 2, redis: 1, wechat: 1 }])
})

test('a repeated notification waits for lock and order only', async () => {
  await shop.pay(token, outTradeNo)
  await countRequests(notify, notification())
  const { outcome, before } = await countRequests(notify, notification())
  expect([outcome, before]).toEqual([200, { database: 1, redis: 1, wechat: 0 }])
})

test('a forged notification costs nobody a request', async () => {
  const forged = new Request(`${shop.world.url}/api/notify`, {
    method: 'POST',
    body: '<xml><sign>A</sign></xml>',
  })
  expect(await countRequests(notify, forged)).toEqual({
    outcome: 'notice_rejected',
    before: { database: 0, redis: 0, wechat: 0 },
    after: { database: 0, redis: 0, wechat: 0 },
  })
})

test('a question about a paid order waits for the ledger only', async () => {
  await shop.pay(token, outTradeNo)
  await countRequests(query, ask())
  const { outcome, before } = await countRequests(query, ask())
  expect([outcome, before]).toEqual([200, { database: 1, redis: 0, wechat: 0 }])
})

test('a question that finds an order paid waits for ledger, WeChat and ledger', async () => {
  await shop.pay(token, outTradeNo)
  const { outcome, before } = await countRequests(query, ask())
  expect([outcome, before]).toEqual([200, { database: 2, redis: 0, wechat: 1 }])
})

test('a question that finds an order unpaid waits for ledger and WeChat', async () => {
  const { outcome, before } = await countRequests(query, ask())
  expect([outcome, before]).toEqual([200, { database: 1, redis: 0, wechat: 1 }])
})

test('a login waits for WeChat, then for what is kept', async () => {
  expect(await countRequests(logIn, post('/api/login', { code: shop.wechat.issueCode() }))).toEqual(
    {
      outcome: 200,
      before: { database: 1, redis: 0, wechat: 1 },
      after: { database: 0, redis: 0, wechat: 0 },
    },
  )
})

test('an order waits for one statement that prices and stores it', async () => {
  const basket = {
    items: [
      { sku: 'latte', quantity: 1 },
      { sku: 'cookie', quantity: 2 },
    ],
  }
  expect(await countRequests(placeOrder, post('/api/orders', basket))).toEqual({
    outcome: 201,
    before: { database: 1, redis: 0, wechat: 0 },
    after: { database: 0, redis: 0, wechat: 0 },
  })
})

test('closing waits for ledger, WeChat and ledger', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(300_000)
  const { outcome, before } = await countRequests(close, post('/api/close', { outTradeNo }))
  expect([outcome, before]).toEqual([200, { database: 2, redis: 0, wechat: 1 }])
})

/** Ledger and cache that answer only once both have been asked: whoever asks one after the other waits for ever. */
const sideBySide = (): Deps => {
  const deps = wire()
  const { ledger, cache } = deps
  const { promise: bothAsked, resolve } = Promise.withResolvers<void>()
  const asked = new Set<string>()
  const meet = (who: string) => {
    if (asked.add(who).size === 2) resolve()
    return bothAsked
  }
  return {
    ...deps,
    ledger: { ...ledger, find: (order) => meet('ledger').then(() => ledger.find(order)) },
    cache: {
      ...cache,
      findPrepay: (number) => meet('cache').then(() => cache.findPrepay(number)),
      lockNotification: (number) => meet('cache').then(() => cache.lockNotification(number)),
    },
  }
}

test('prepay asks ledger and Redis side by side', { timeout: 5_000 }, async () => {
  expect(await prepay(post('/api/prepay', { outTradeNo }), sideBySide())).toMatchObject({
    ok: true,
  })
})

test('notify asks for lock and order side by side', { timeout: 5_000 }, async () => {
  await shop.pay(token, outTradeNo)
  expect(await notify(notification(), sideBySide())).toMatchObject({ ok: true })
})

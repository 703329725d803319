/**
 * How many round trips a caller waits for.
 *
 * `waitUntil` collects the background work instead of starting it. The requests counted when the
 * handler returns are those the caller waited for; the background work then runs and is counted
 * separately. The rate limit's own counter runs in the background too (see limits.test.ts).
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { post as close } from '../../api/close.ts'
import { get as readConsole, post as writeConsole } from '../../api/console.ts'
import { post as logIn } from '../../api/login.ts'
import { post as notify } from '../../api/notify.ts'
import { post as placeOrder } from '../../api/orders.ts'
import { post as prepay } from '../../api/prepay.ts'
import { get as query } from '../../api/query.ts'
import type { Handler } from '../../lib/http/serve.ts'
import type { Deps } from '../../lib/ports.ts'
import { thisInstance } from '../../lib/composition.ts'
import { takeNotedEvents, withRequest } from '../../lib/request-context.ts'
import { deliver } from '../../lib/steps/deliver.ts'
import type { Message } from '../support/messages/message.ts'
import {
  paymentFacts,
  paymentMessage,
  sentMessage,
  transactionOf,
} from '../support/messages/messages.ts'
import { paymentFields, writePayment } from '../support/messages/v2.ts'
import { protocol } from '../support/mode.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  // The simulator sends no notification by itself, so that all requests come from the test.
  await shop.wechat.stop()
  // Platform certificates are downloaded once.
  await shop.sell()
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
  wechat: shop.wechat.messageLog.length,
})

/** The requests one call makes to each service, before and after its answer. */
async function countRequests(handler: Handler, request: Request) {
  await shop.world.settled()
  const held: (() => Promise<unknown>)[] = []
  const start = count()
  let limitCounts = 0
  const { deps, edge } = thisInstance()
  const limits = { ...edge.limits, count: async () => void (limitCounts += 1) }
  const waitUntil: Deps['waitUntil'] = (work) => void held.push(work)
  const handled = await withRequest({ requestId: 'r', function: 'r' }, 7_500, async () => {
    const answer = await handler(request, { ...deps, waitUntil }, { ...edge, limits, waitUntil })
    if (takeNotedEvents()) held.push(() => deliver(deps))
    return answer
  })
  const answered = count()
  expect(limitCounts).toBe(0)
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
const queryRequest = () =>
  new Request(`${shop.world.url}/api/query?outTradeNo=${outTradeNo}`, {
    headers: { authorization: `Bearer ${token}` },
  })
/** The notification of the order's payment, which the stopped simulator does not send. */
const notification = () => toRequest(sentMessage(shop, outTradeNo))
const toRequest = ({ headers, body }: Message) =>
  new Request(`${shop.world.url}/api/notify`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : Buffer.from(body),
  })

test('the first prepay waits for ledger and Redis, then for WeChat; it fills the cache after the answer', async () => {
  expect(await countRequests(prepay, post('/api/prepay', { outTradeNo }))).toEqual({
    outcome: 200,
    before: { database: 1, redis: 1, wechat: 1 },
    after: { database: 0, redis: 1, wechat: 0 },
  })
})

test('a repeated prepay waits for ledger and Redis only', async () => {
  await shop.prepay(token, outTradeNo)
  expect(await countRequests(prepay, post('/api/prepay', { outTradeNo }))).toEqual({
    outcome: 200,
    before: { database: 1, redis: 1, wechat: 0 },
    after: { database: 0, redis: 0, wechat: 0 },
  })
})

test('a first notification waits for lock and order, then for one statement; the event is delivered after the answer', async () => {
  await shop.pay(token, outTradeNo)
  const { outcome, before, after } = await countRequests(notify, notification())
  expect([outcome, before]).toEqual([200, { database: 2, redis: 1, wechat: 0 }])
  // Two statements: one claims the event, one marks it delivered. The lock expires by itself.
  expect(after).toEqual({ database: 2, redis: 0, wechat: 0 })
})

test.runIf(protocol === 'v2')(
  'a first notification with an undocumented field also waits for WeChat',
  async () => {
    await shop.pay(token, outTradeNo)
    const transactionId = transactionOf(shop, outTradeNo)
    const fields = paymentFields(paymentFacts(shop, outTradeNo, { transactionId }))
    const body = writePayment(fields.set('brand_new_field', '1'), shop.world.env.WECHAT_PAY_KEY)
    const { outcome, before } = await countRequests(notify, toRequest({ body, headers: {} }))
    expect([outcome, before]).toEqual([200, { database: 2, redis: 1, wechat: 1 }])
  },
)

test('a repeated notification waits for lock and order only', async () => {
  await shop.pay(token, outTradeNo)
  await countRequests(notify, notification())
  const { outcome, before } = await countRequests(notify, notification())
  expect([outcome, before]).toEqual([200, { database: 1, redis: 1, wechat: 0 }])
})

test('a forged notification causes no request', async () => {
  const forged = toRequest(paymentMessage(shop, outTradeNo, {}, 'a forger'))
  expect(await countRequests(notify, forged)).toEqual({
    outcome: 'notice_rejected',
    before: { database: 0, redis: 0, wechat: 0 },
    after: { database: 0, redis: 0, wechat: 0 },
  })
})

test('a query of a settled order waits for the ledger only', async () => {
  await shop.pay(token, outTradeNo)
  await countRequests(query, queryRequest())
  const { outcome, before } = await countRequests(query, queryRequest())
  expect([outcome, before]).toEqual([200, { database: 1, redis: 0, wechat: 0 }])
})

test('a query that settles an order waits for ledger, WeChat and ledger', async () => {
  await shop.pay(token, outTradeNo)
  const { outcome, before } = await countRequests(query, queryRequest())
  expect([outcome, before]).toEqual([200, { database: 2, redis: 0, wechat: 1 }])
})

test('a query of an unpaid order waits for ledger and WeChat', async () => {
  const { outcome, before } = await countRequests(query, queryRequest())
  expect([outcome, before]).toEqual([200, { database: 1, redis: 0, wechat: 1 }])
})

test('a login waits for WeChat, then for the ledger', async () => {
  expect(await countRequests(logIn, post('/api/login', { code: shop.wechat.issueCode() }))).toEqual(
    {
      outcome: 200,
      before: { database: 1, redis: 0, wechat: 1 },
      after: { database: 0, redis: 0, wechat: 0 },
    },
  )
})

test('a phone number waits for the shared token, WeChat and the ledger', async () => {
  const openid = 'oRoundTrips00000000000000001'
  token = await shop.logIn(openid)
  const askForNumber = async (fields: object = {}) => {
    const detail = shop.wechat.tapPhoneButton(openid, '13800000001')
    const phoneCode = 'code' in detail ? detail.code : ''
    return (await countRequests(logIn, post('/api/login', { ...fields, phoneCode }))).before
  }
  // The first one fetches the access token.
  await askForNumber()
  expect(await askForNumber()).toEqual({ database: 1, redis: 1, wechat: 1 })
  const code = shop.wechat.issueCode(openid)
  expect(await askForNumber({ code })).toEqual({ database: 2, redis: 1, wechat: 2 })
})

test('placing an order waits for one statement, which prices and stores it', async () => {
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

test('an order with its payment waits for the statement beside Redis, then for WeChat', async () => {
  const order = { items: [{ sku: 'latte', quantity: 1 }], prepay: true }
  expect(await countRequests(placeOrder, post('/api/orders', order))).toEqual({
    outcome: 201,
    before: { database: 1, redis: 1, wechat: 1 },
    after: { database: 0, redis: 1, wechat: 0 },
  })
})

test('a close waits for ledger, WeChat and ledger', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(300_000)
  const { outcome, before } = await countRequests(close, post('/api/close', { outTradeNo }))
  expect([outcome, before]).toEqual([200, { database: 2, redis: 0, wechat: 1 }])
})

/** Ledger and cache that answer only once both were called: sequential calls would time out. */
const answerOnlyConcurrently = (): Deps => {
  const { deps } = thisInstance()
  const { ledger, cache } = deps
  const { promise: bothCalled, resolve } = Promise.withResolvers<void>()
  const called = new Set<string>()
  const meet = (who: string) => {
    if (called.add(who).size === 2) resolve()
    return bothCalled
  }
  return {
    ...deps,
    ledger: { ...ledger, find: (order) => meet('ledger').then(() => ledger.find(order)) },
    cache: {
      ...cache,
      prepays: {
        ...cache.prepays,
        find: (number) => meet('cache').then(() => cache.prepays.find(number)),
      },
      lockNotification: (number) => meet('cache').then(() => cache.lockNotification(number)),
    },
  }
}

test('prepay calls ledger and Redis concurrently', async () => {
  expect(
    await prepay(
      post('/api/prepay', { outTradeNo }),
      answerOnlyConcurrently(),
      thisInstance().edge,
    ),
  ).toMatchObject({
    ok: true,
  })
})

test('notify reads the lock and the order concurrently', async () => {
  await shop.pay(token, outTradeNo)
  expect(await notify(notification(), answerOnlyConcurrently(), thisInstance().edge)).toMatchObject(
    { ok: true },
  )
})

const consoleRequest = (part: string) =>
  new Request(`${shop.world.url}/api/console/${part}`, {
    headers: { authorization: `Bearer ${shop.merchantKey}` },
  })
test.each([
  'bills',
  'bills?day=2026-11-20',
  'events?state=undelivered',
  'incidents?state=open',
  'overview',
  'shipments',
  'takings?days=366',
])('the console’s %s waits for one statement', async (part) => {
  expect(await countRequests(readConsole, consoleRequest(part))).toMatchObject({
    outcome: 200,
    before: { database: 1, redis: 0, wechat: 0 },
  })
})

test('a search waits for one statement', async () => {
  const request = new Request(consoleRequest('search'), {
    method: 'POST',
    body: JSON.stringify({ text: '13800138000' }),
  })
  request.headers.set('content-type', 'application/json')
  expect(await countRequests(writeConsole, request)).toMatchObject({
    outcome: 200,
    before: { database: 1, redis: 0, wechat: 0 },
  })
})

test('the history of an order waits for one statement', async () => {
  const request = consoleRequest(`orders?outTradeNo=${outTradeNo}`)
  expect(await countRequests(readConsole, request)).toMatchObject({
    outcome: 200,
    before: { database: 1, redis: 0, wechat: 0 },
  })
})

/**
 * Without cron: due work is done in the background of ordinary requests, and no caller waits for
 * it.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Shipments } from '../../lib/ports.ts'
import { catchUp } from '../../lib/steps/catch-up.ts'
import { createInstance } from '../../lib/composition.ts'
import { openShop, type Answer, type Shop } from '../support/shop.ts'

const MINUTE_MS = 60_000
const TWENTY_SECONDS_MS = 20_000

/**
 * The merchant's webhook: accepts an event, fails, or holds its answers until they are released.
 */
const merchant = {
  mode: 'takes' as 'takes' | 'fails' | 'holds',
  received: [] as string[],
  held: [] as ServerResponse[],
  letGo() {
    for (const response of this.held.splice(0)) response.writeHead(204).end()
  },
}
const server = createServer((request, response) => void receive(request, response))

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  merchant.received.push(await text(request))
  if (merchant.mode === 'holds') merchant.held.push(response)
  else response.writeHead(merchant.mode === 'takes' ? 204 : 500).end()
}

let shop: Shop
let stranger: string
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  shop = await openShop({ ORDER_WEBHOOK_URL: `http://127.0.0.1:${port}/events` })
})
beforeEach(async () => {
  stranger = await shop.logIn()
  await shop.world.settled()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  merchant.mode = 'takes'
  merchant.letGo()
  shop.wechat.clearFaults()
  await shop.world.settled()
  // Each test starts with nothing left to do.
  await shop.sql(
    `update orders set trade_state = 'CLOSED', closed_at = now(), closed_at_wechat = true where trade_state = 'NOTPAY'`,
  )
  await shop.sql('delete from events')
})
afterAll(async () => {
  await shop.close()
  server.closeAllConnections()
  server.close()
})

const browse = (): Promise<Answer> => shop.call('GET', '/api/orders', { token: stranger })

/** An ordinary request of another user, once the instance may catch up again. */
async function triggerCatchUp(): Promise<void> {
  shop.advance(TWENTY_SECONDS_MS)
  expect((await browse()).status).toBe(200)
  await shop.world.settled()
}

const inLedger = async (outTradeNo: string) =>
  (
    await shop.sql(
      'select trade_state, closed_at_wechat, shipping_state from orders where out_trade_no = $1',
      [outTradeNo],
    )
  )[0]
const deliveriesOf = (type: string, outTradeNo: string) =>
  merchant.received.filter((body) => body.includes(type) && body.includes(outTradeNo)).length

async function order(): Promise<{ token: string; outTradeNo: string }> {
  const token = await shop.logIn()
  return { token, outTradeNo: await shop.placeOrder(token) }
}

async function payWithoutNotification(): Promise<string> {
  const { token, outTradeNo } = await order()
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.world.settled()
  return outTradeNo
}

test('a payment whose notification was lost is settled, and the merchant receives its event', async () => {
  const outTradeNo = await payWithoutNotification()
  shop.advance(6 * MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'SUCCESS' })
  expect(deliveriesOf('order.paid', outTradeNo)).toBe(1)
})

test('an expired order is closed at WeChat and here, and the merchant receives its event', async () => {
  const { token, outTradeNo } = await order()
  await shop.prepay(token, outTradeNo)
  shop.advance(119 * MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'NOTPAY' })
  shop.advance(6 * MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({
    trade_state: 'CLOSED',
    closed_at_wechat: true,
  })
  expect(shop.wechat.orders().find((one) => one.outTradeNo === outTradeNo)).toMatchObject({
    tradeState: 'CLOSED',
  })
  await triggerCatchUp()
  expect(deliveriesOf('order.closed', outTradeNo)).toBe(1)
})

test('an expired order that was paid in its last moment is settled', async () => {
  const outTradeNo = await payWithoutNotification()
  shop.advance(125 * MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'SUCCESS' })
})

test('an expired order that WeChat does not know is closed here', async () => {
  const { outTradeNo } = await order()
  shop.advance(125 * MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({
    trade_state: 'CLOSED',
    closed_at_wechat: true,
  })
})

test('an event that the webhook refused is delivered again', async () => {
  merchant.mode = 'fails'
  const { outTradeNo } = await shop.sell()
  expect(deliveriesOf('order.paid', outTradeNo)).toBe(1)
  merchant.mode = 'takes'
  await triggerCatchUp()
  expect(deliveriesOf('order.paid', outTradeNo)).toBe(2)
  await triggerCatchUp()
  expect(deliveriesOf('order.paid', outTradeNo)).toBe(2)
})

test('a shipment whose upload failed is uploaded again', async () => {
  const { outTradeNo } = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop', times: 1 })
  const body = { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: '会员卡' }] }
  expect((await shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })).status).toBe(
    503,
  )
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({ shipping_state: 'PENDING' })
  shop.advance(MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({ shipping_state: 'UPLOADED' })
})

test.each(['login', 'placing an order', 'prepay', 'query', 'a notification'])(
  '%s triggers a catch-up',
  async (request) => {
    const mine = await order()
    const outTradeNo = await payWithoutNotification()
    shop.advance(6 * MINUTE_MS)
    await shop.world.settled()
    expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'NOTPAY' })
    if (request === 'login') await shop.logIn()
    if (request === 'placing an order') await shop.placeOrder(mine.token)
    if (request === 'prepay') await shop.prepay(mine.token, mine.outTradeNo)
    if (request === 'query') await shop.query(mine.token, mine.outTradeNo)
    if (request === 'a notification') {
      shop.wechat.clearFaults()
      await shop.deliverNotifications()
    }
    await shop.world.settled()
    expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'SUCCESS' })
  },
)

test('each instance catches up at most every twenty seconds, independently of the others', async () => {
  const cost = async () => {
    const before = shop.world.faults.database.count()
    await browse()
    await shop.world.settled()
    return shop.world.faults.database.count() - before
  }
  shop.advance(TWENTY_SECONDS_MS)
  expect(await cost()).toBeGreaterThan(1)
  expect([await cost(), await cost()]).toEqual([1, 1])
  shop.advance(TWENTY_SECONDS_MS - 1)
  expect(await cost()).toBe(1)
  shop.advance(1)
  expect(await cost()).toBeGreaterThan(1)
  const another = createInstance(shop.world.env).deps
  expect([another.isCatchUpDue(), another.isCatchUpDue()]).toEqual([true, false])
})

test('an instance whose clock is set back still catches up', () => {
  const { isCatchUpDue } = createInstance(shop.world.env).deps
  const now = Date.now()
  expect(isCatchUpDue()).toBe(true)
  vi.setSystemTime(now - 3_600_000)
  expect([isCatchUpDue(), isCatchUpDue()]).toEqual([true, false])
  vi.setSystemTime(now)
})

test('an instance does not catch up when the time left is too short for a call', async () => {
  const deps = createInstance(shop.world.env).deps
  const before = shop.world.faults.database.count()
  await catchUp({ ...deps, clock: { ...deps.clock, timeLeft: () => 19_999 } })
  expect(shop.world.faults.database.count()).toBe(before)
  await catchUp({ ...deps, clock: { ...deps.clock, timeLeft: () => 20_000 } })
  expect(shop.world.faults.database.count()).toBeGreaterThan(before)
})

test('a webhook that does not answer delays neither the payment nor other callers', async () => {
  merchant.mode = 'holds'
  const { token, outTradeNo } = await order()
  await shop.pay(token, outTradeNo)
  await shop.wechat.tick()
  await expect.poll(() => merchant.held.length).toBe(1)
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'SUCCESS' })
  shop.advance(MINUTE_MS)
  expect((await browse()).status).toBe(200)
  await expect.poll(() => merchant.held.length).toBe(2)
  expect(shop.wechat.notifications().filter((one) => one.outTradeNo === outTradeNo)).toHaveLength(1)
})

test('a slow order query at WeChat delays no caller', async () => {
  const outTradeNo = await payWithoutNotification()
  shop.advance(6 * MINUTE_MS)
  shop.wechat.misbehave({ on: 'orderquery', do: 'delay', ms: 1_500 })
  const answered = shop.calls('query').length
  expect((await browse()).status).toBe(200)
  expect(shop.calls('query').length).toBe(answered)
  await shop.world.settled()
  expect(shop.calls('query').length).toBeGreaterThan(answered)
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'SUCCESS' })
})

test('a failure in the background does not change the answer, and the next catch-up does the rest', async () => {
  const outTradeNo = await payWithoutNotification()
  shop.advance(6 * MINUTE_MS)
  vi.stubEnv('WECHAT_AUTO_SHIPPING', 'carrier-pigeon')
  await triggerCatchUp()
  vi.unstubAllEnvs()
  shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  shop.advance(6 * MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'NOTPAY' })
  shop.wechat.clearFaults()
  shop.advance(6 * MINUTE_MS)
  await triggerCatchUp()
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'SUCCESS' })
})

test('a catch-up ends only when all its parts have ended, even if one of them fails first', async () => {
  merchant.mode = 'fails'
  await shop.sell()
  merchant.mode = 'holds'
  shop.advance(MINUTE_MS)
  const deps = createInstance(shop.world.env).deps
  const shipments: Shipments = { ...deps.shipments, takeDue: () => Promise.reject(new Error('no')) }
  let isOver = false
  const catchingUp = catchUp({ ...deps, shipments })
    .catch(() => undefined)
    .finally(() => {
      isOver = true
    })
  await expect.poll(() => merchant.held.length).toBe(1)
  expect(isOver).toBe(false)
  merchant.letGo()
  await catchingUp
})

test('a new order is not queried for five minutes, because its payer is still on the payment page', async () => {
  const before = shop.calls('query').length
  shop.advance(TWENTY_SECONDS_MS)
  const { outTradeNo } = await order()
  await triggerCatchUp()
  expect(shop.calls('query').length).toBe(before)
  shop.advance(5 * MINUTE_MS)
  await triggerCatchUp()
  expect(shop.calls('query').length).toBe(before + 1)
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'NOTPAY' })
})

test('a payment whose notification was lost is settled within 15 minutes, even while new orders arrive', async () => {
  const { token, outTradeNo } = await order()
  await triggerCatchUp()
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  const strangers = await Promise.all(Array.from({ length: 4 }, () => shop.logIn()))
  for (let round = 0; round < 45; round += 1) {
    await Promise.all(strangers.map((one) => shop.placeOrder(one)))
    await triggerCatchUp()
  }
  expect(await inLedger(outTradeNo)).toMatchObject({ trade_state: 'SUCCESS' })
})

test('cron and catch-ups at the same moment do everything once', async () => {
  merchant.mode = 'fails'
  const { outTradeNo } = await shop.sell()
  merchant.mode = 'takes'
  shop.advance(MINUTE_MS)
  await Promise.all([
    shop.cron(),
    browse(),
    shop.cron(),
    catchUp(createInstance(shop.world.env).deps),
    catchUp(createInstance(shop.world.env).deps),
  ])
  await shop.world.settled()
  expect(deliveriesOf('order.paid', outTradeNo)).toBe(2)
})

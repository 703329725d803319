import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { inProtocol } from '../support/mode.ts'
import { openShop, toPayment, type Shop } from '../support/shop.ts'

const PAYER = 'oPayer0000000000000000000001'
const NOTHING = { settled: 0, closed: 0, refunded: 0, delivered: 0, reconciled: 0 }

/** The merchant's webhook: answers with status `answers` and records each event. */
let answers = 204
const received: { readonly id: string; readonly body: string }[] = []
const merchant = createServer((request, response) => void receive(request, response))
async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  received.push({ id: String(request.headers['webhook-id']), body: await text(request) })
  response.writeHead(answers).end()
}

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  // Noon, so that no test passes midnight and makes a daily bill due.
  vi.setSystemTime(new Date('2026-11-20T12:00:00+08:00'))
  await once(merchant.listen(0, '127.0.0.1'), 'listening')
  const address = merchant.address()
  const port = typeof address === 'object' ? address?.port : undefined
  shop = await openShop({ ORDER_WEBHOOK_URL: `http://127.0.0.1:${port}/events` })
  // The simulator sends no notification by itself; a test that needs one delivers it.
  await shop.wechat.stop()
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
})
beforeEach(async () => {
  token = await shop.logIn(PAYER)
  outTradeNo = await shop.placeOrder(token)
})
afterEach(async () => {
  answers = 204
  shop.wechat.clearFaults()
  shop.world.faults.redis.up()
  shop.world.faults.database.up()
  // Finish what a test left open, so that the next test starts with nothing to do.
  shop.advance(8 * 86_400_000)
  await shop.cron()
})
afterAll(async () => {
  await shop.close()
  merchant.close()
})

const stateOf = async (number = outTradeNo) =>
  (await shop.sql('select trade_state from orders where out_trade_no = $1', [number]))[0]?.[
    'trade_state'
  ]
const sources = async () =>
  (await shop.sql('select source from payments where out_trade_no = $1', [outTradeNo])).map(
    (payment) => payment['source'],
  )
const atWechat = () =>
  shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.tradeState
const eventsReceived = () => received.filter(({ body }) => body.includes(outTradeNo))
const typesReceived = () => eventsReceived().map(({ body }) => /"type":"([^"]+)"/.exec(body)?.[1])

test('a payment whose notification was lost is settled, and the merchant receives its event', async () => {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  shop.advance(1_000)
  expect(await shop.cron()).toMatchObject({ settled: 1, closed: 0 })
  expect([await stateOf(), await sources(), typesReceived()]).toEqual([
    'SUCCESS',
    ['cron'],
    ['order.paid'],
  ])
})

test('an order that has not expired stays open', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(7_199_000)
  expect(await shop.cron()).toEqual(NOTHING)
  expect([await stateOf(), atWechat()]).toEqual(['NOTPAY', 'NOTPAY'])
})

test('an expired order is closed here and at WeChat, and the merchant receives its event', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(7_200_000)
  expect(await shop.cron()).toMatchObject({ settled: 0, closed: 1 })
  expect([await stateOf(), atWechat(), typesReceived()]).toEqual([
    'CLOSED',
    'CLOSED',
    ['order.closed'],
  ])
})

test('an expired order without any payment attempt is closed too', async () => {
  shop.advance(7_200_000)
  expect(await shop.cron()).toMatchObject({ closed: 1 })
  expect([await stateOf(), atWechat()]).toEqual(['CLOSED', undefined])
})

test('an order paid in its last minute is settled after it has expired, and not closed', async () => {
  const args = await shop.prepay(token, outTradeNo)
  shop.advance(7_140_000)
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:ok' })
  shop.advance(60_000)
  expect(await shop.cron()).toMatchObject({ settled: 1, closed: 0 })
  expect(await stateOf()).toBe('SUCCESS')
})

test('a payment between the query and the close is settled', async () => {
  const args = toPayment(await shop.prepay(token, outTradeNo))
  shop.advance(7_199_000)
  const paidBefore = shop.wechat.pay(args)
  shop.advance(1_000)
  shop.wechat.misbehave({
    on: 'orderquery',
    times: 1,
    do: 'err-code',
    errCode: inProtocol({ v2: 'ORDERNOTEXIST', v3: 'ORDER_NOT_EXIST' }),
  })
  expect([paidBefore.errMsg, await shop.cron()]).toMatchObject([
    'requestPayment:ok',
    { settled: 1, closed: 0 },
  ])
  expect([await stateOf(), await sources()]).toEqual(['SUCCESS', ['cron']])
})

test('a finished order is not queried again', async () => {
  await shop.pay(token, outTradeNo)
  shop.advance(1_000)
  await shop.cron()
  const before = shop.calls('query').length
  shop.advance(1_000)
  expect(await shop.cron()).toEqual(NOTHING)
  expect(shop.calls('query')).toHaveLength(before)
})

test('concurrent cron runs settle an order once and send one event', async () => {
  await shop.pay(token, outTradeNo)
  shop.advance(1_000)
  const done = await Promise.all([shop.cron(), shop.cron(), shop.cron()])
  expect(done.filter((sweep) => sweep['settled'] === 1)).toHaveLength(1)
  expect([await sources(), typesReceived()]).toEqual([['cron'], ['order.paid']])
})

test('cron and the notification at the same moment settle an order once and send one event', async () => {
  await shop.pay(token, outTradeNo)
  shop.advance(1_000)
  await Promise.all([shop.cron(), shop.deliverNotifications()])
  expect([await stateOf(), (await sources()).length, typesReceived()]).toEqual([
    'SUCCESS',
    1,
    ['order.paid'],
  ])
})

test('one run finishes more orders than it queries concurrently', async () => {
  const numbers = await Promise.all(Array.from({ length: 20 }, () => shop.placeOrder(token)))
  await Promise.all(numbers.map((number) => shop.pay(token, number)))
  shop.advance(1_000)
  expect(await shop.cron()).toMatchObject({ settled: 20 })
  expect(new Set(await Promise.all(numbers.map(stateOf)))).toEqual(new Set(['SUCCESS']))
})

test('an event that the webhook refused is delivered later under the same id', async () => {
  answers = 500
  await shop.pay(token, outTradeNo)
  await shop.query(token, outTradeNo)
  await shop.world.settled()
  answers = 204
  expect(await shop.cron()).toMatchObject({ delivered: 0 })
  shop.advance(10_000)
  expect(await shop.cron()).toMatchObject({ delivered: 1 })
  const [first, second, ...others] = eventsReceived()
  expect([second, others]).toEqual([first, []])
})

test('a delivered event is not sent again', async () => {
  await shop.pay(token, outTradeNo)
  await shop.query(token, outTradeNo)
  await shop.world.settled()
  shop.advance(86_400_000)
  expect(await shop.cron()).toMatchObject({ delivered: 0 })
  expect(typesReceived()).toEqual(['order.paid'])
})

test('events of one order are delivered in the order in which they happened', async () => {
  answers = 500
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  const body = { outTradeNo, outRefundNo: `R-${outTradeNo}`, refundFee: 1 }
  await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  shop.advance(3_000)
  await shop.deliverNotifications()
  answers = 204
  const before = eventsReceived().length
  shop.advance(60_000)
  await shop.cron()
  expect(typesReceived().slice(before)).toEqual(['order.paid', 'refund.succeeded'])
})

test('a payment of another amount becomes an incident, and the order is neither settled nor closed', async () => {
  await shop.pay(token, outTradeNo)
  shop.advance(7_200_000)
  shop.wechat.misbehave({ on: 'orderquery', do: 'wrong-amount' })
  expect(await shop.cron()).toMatchObject({ settled: 0, closed: 0 })
  expect([await stateOf(), typesReceived()]).toEqual(['NOTPAY', ['payment.incident']])
})

test('while WeChat is down cron succeeds and changes nothing', async () => {
  await shop.pay(token, outTradeNo)
  shop.advance(7_200_000)
  shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  shop.wechat.misbehave({ on: 'closeorder', do: 'drop' })
  expect(await shop.cron()).toEqual(NOTHING)
  expect([await stateOf(), eventsReceived()]).toEqual(['NOTPAY', []])
})

test('cron settles an order on the next run when WeChat was down on this one', async () => {
  await shop.pay(token, outTradeNo)
  shop.advance(1_000)
  shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  expect(await shop.cron()).toMatchObject({ settled: 0 })
  shop.wechat.clearFaults()
  shop.advance(1_000)
  expect(await shop.cron()).toMatchObject({ settled: 1 })
})

test('cron asks about at most sixteen orders while WeChat does not answer', async () => {
  await Promise.all(Array.from({ length: 30 }, () => shop.placeOrder(token)))
  shop.advance(1_000)
  shop.wechat.misbehave({ on: 'orderquery', do: 'http-500' })
  const before = shop.calls('query').length
  await shop.cron()
  expect(shop.calls('query').length - before).toBe(16)
})

test('cron works without Redis', async () => {
  await shop.pay(token, outTradeNo)
  shop.advance(1_000)
  shop.world.faults.redis.down()
  expect(await shop.cron()).toMatchObject({ settled: 1 })
})

test('while the database is down cron answers 503 and changes nothing at WeChat', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(7_200_000)
  shop.world.faults.database.down()
  const { status, json } = await shop.call('GET', '/api/cron', { token: shop.cronSecret })
  expect([status, json['code'], atWechat()]).toEqual([503, 'unavailable', 'NOTPAY'])
})

test('only the cron secret may call cron', async () => {
  const call = async (key?: string) => (await shop.call('GET', '/api/cron', { token: key })).status
  expect([
    await call(),
    await call('wrong'),
    await call(token),
    await call(shop.merchantKey),
  ]).toEqual([401, 401, 403, 403])
  expect(await call(shop.cronSecret)).toBe(200)
})

/** Events go out once the answer is given, whatever the answer is, and without waiting for cron. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openReceiver, type Receiver } from '../webhook/receiver.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { paymentMessage, sentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let merchant: Receiver
beforeAll(async () => {
  merchant = await openReceiver()
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
})
beforeEach(async () => {
  await shop.world.settled()
  merchant.deliveries.length = 0
})
afterAll(async () => {
  await shop.close()
  await merchant.close()
})
const delivered = async () => {
  await shop.world.settled()
  return merchant.deliveries.map(({ type, outTradeNo }) => [type, outTradeNo])
}

test('a refused notification leaves an incident, and the merchant receives its event immediately', async () => {
  const { outTradeNo } = await openOrder(shop)
  const wrongAmount = paymentMessage(shop, outTradeNo, { totalFee: 1, cashFee: 1 })
  expect((await shop.notify(wrongAmount)).code).toBe('FAIL')
  expect(await delivered()).toEqual([['payment.incident', outTradeNo]])
})

test('an event that is written after the answer, because the database was slow, is delivered too', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  shop.world.faults.database.slow(1_900)
  expect((await shop.notify(sentMessage(shop, outTradeNo))).code).toBe('FAIL')
  await sleep(2_000)
  shop.world.faults.database.up()
  expect(await delivered()).toEqual([['order.paid', outTradeNo]])
})

test('closing an order delivers its event immediately', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  const closed = await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  expect(closed.status).toBe(200)
  expect(await delivered()).toEqual([['order.closed', outTradeNo]])
})

test('an event that work behind the answer writes is delivered when that work has ended', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  shop.advance(6 * 60_000)
  expect((await shop.call('GET', '/api/orders', { token })).status).toBe(200)
  expect(await delivered()).toEqual([['order.paid', outTradeNo]])
})

test('a request that changes nothing does not look for events', async () => {
  const sale = await shop.sell()
  await delivered()
  const before = shop.world.faults.database.count()
  await shop.query(sale.token, sale.outTradeNo)
  await shop.world.settled()
  expect(shop.world.faults.database.count() - before).toBe(1)
})

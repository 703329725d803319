import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { answerWith, openReceiver, refuses, accepts, type Receiver } from '../webhook/receiver.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { paidAfterClosing } from '../support/paid-after-closing.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let merchant: Receiver
beforeAll(async () => {
  merchant = await openReceiver()
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
  await shop.wechat.stop()
})
afterAll(async () => {
  await shop.close()
  await merchant.close()
})
/** Delivers what a test left behind, so that the next one starts with no pending events. */
afterEach(async () => {
  merchant.answer = accepts
  shop.world.faults.database.up()
  shop.advance(2 * 86_400_000)
  await shop.cron()
  merchant.deliveries.length = 0
})

async function paidOrder(): Promise<string> {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  return outTradeNo
}
const types = () => merchant.deliveries.map(({ type }) => type)
const ids = () => new Set(merchant.deliveries.map(({ id }) => id)).size
const hours = (count: number) => count * 3_600
const LONGEST_JITTER = 1.1

test('a settled payment is delivered to the webhook immediately, with a valid signature', async () => {
  const outTradeNo = await paidOrder()
  expect(merchant.deliveries).toMatchObject([
    { type: 'order.paid', outTradeNo, isSignatureValid: true },
  ])
})

test('a delivered event is never sent again', async () => {
  await paidOrder()
  shop.advance(86_400_000)
  await shop.cron()
  expect(types()).toEqual(['order.paid'])
})

test('an event type of a later version, stored before a rollback, is delivered like any other', async () => {
  await shop.sql(
    `insert into events (type, out_trade_no, data, created_at, next_attempt_at) values ('order.of_tomorrow', null, '{"outTradeNo":"T20250102000001"}', $1::timestamptz, $1::timestamptz)`,
    [new Date()],
  )
  const outTradeNo = await paidOrder()
  expect(merchant.deliveries.map(({ type, outTradeNo: of }) => `${type} ${of}`).toSorted()).toEqual(
    ['order.of_tomorrow T20250102000001', `order.paid ${outTradeNo}`],
  )
})

test('an event is retried with growing pauses while the webhook is down, and parked at the end', async () => {
  merchant.answer = refuses
  await paidOrder()
  const pauses = [
    5,
    30,
    120,
    600,
    1_800,
    hours(1),
    hours(3),
    hours(6),
    hours(12),
    hours(24),
    hours(24),
  ]
  for (const [index, seconds] of pauses.entries()) {
    shop.advance(seconds * 1_000 - 1)
    await shop.cron()
    expect(merchant.deliveries, `before the end of pause ${index}`).toHaveLength(index + 1)
    shop.advance(seconds * (LONGEST_JITTER - 1) * 1_000 + 1)
    await shop.cron()
    expect(merchant.deliveries, `after pause ${index}`).toHaveLength(index + 2)
  }
  merchant.answer = accepts
  shop.advance(30 * 86_400_000)
  expect(await shop.cron()).toMatchObject({ delivered: 0 })
  expect(merchant.deliveries).toHaveLength(12)
  expect(ids()).toBe(1)
})

test('a parked event does not block events of other orders', async () => {
  merchant.answer = refuses
  const parked = await paidOrder()
  await shop.sql('update events set next_attempt_at = null where out_trade_no = $1', [parked])
  merchant.answer = accepts
  const next = await paidOrder()
  expect(merchant.deliveries.at(-1)).toMatchObject({ type: 'order.paid', outTradeNo: next })
})

test('each attempt has the same id and body, and a new valid signature', async () => {
  merchant.answer = refuses
  await paidOrder()
  for (const pause of [10_000, 60_000, 180_000]) {
    shop.advance(pause)
    await shop.cron()
  }
  expect(merchant.deliveries.map(({ isSignatureValid }) => isSignatureValid)).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(ids()).toBe(1)
  expect(new Set(merchant.deliveries.map(({ body }) => body)).size).toBe(1)
})

test('a webhook that recovers receives every event once', async () => {
  merchant.answer = refuses
  const orders = [await paidOrder(), await paidOrder(), await paidOrder()]
  merchant.answer = accepts
  merchant.deliveries.length = 0
  shop.advance(6_000)
  expect(await shop.cron()).toMatchObject({ delivered: 3 })
  expect(merchant.deliveries.map(({ outTradeNo }) => outTradeNo).toSorted()).toEqual(
    orders.toSorted(),
  )
})

test('one run of cron delivers twenty-five delayed events', async () => {
  merchant.answer = refuses
  for (let count = 0; count < 25; count += 1) await paidOrder()
  merchant.answer = accepts
  merchant.deliveries.length = 0
  shop.advance(3_600_000)
  expect(await shop.cron()).toMatchObject({ delivered: 25 })
  expect(ids()).toBe(25)
})

test('the events of an order that was closed and then paid arrive in that order', async () => {
  merchant.answer = refuses
  await paidAfterClosing(shop)
  await shop.deliverNotifications()
  expect(types()).toEqual(['order.closed'])
  merchant.answer = accepts
  shop.advance(6_000)
  expect(await shop.cron()).toMatchObject({ delivered: 2 })
  expect(types()).toEqual(['order.closed', 'order.closed', 'order.paid'])
})

test('a payment that arrives during the delivery of order.closed is delivered right after it, without another call', async () => {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  merchant.answer = async (response) => {
    await released
    accepts(response)
  }
  await paidAfterClosing(shop)
  expect(await shop.wechat.tick()).toBe(1)
  release()
  await shop.world.settled()
  expect(types()).toEqual(['order.closed', 'order.paid'])
})

test('when an instance dies between sending and marking, the event is sent again under the same id once the lease expires', async () => {
  merchant.answer = (response) => {
    shop.world.faults.database.down()
    return accepts(response)
  }
  await paidOrder()
  merchant.answer = accepts
  shop.world.faults.database.up()
  shop.advance(29_999)
  await shop.cron()
  expect(types()).toEqual(['order.paid'])
  shop.advance(1)
  await shop.cron()
  expect(types()).toEqual(['order.paid', 'order.paid'])
  expect(ids()).toBe(1)
})

test('two concurrent runs of cron send an event once', async () => {
  merchant.answer = refuses
  for (let count = 0; count < 5; count += 1) await paidOrder()
  merchant.answer = async (response) => {
    await sleep(50)
    accepts(response)
  }
  merchant.deliveries.length = 0
  shop.advance(6_000)
  const runs = await Promise.all([shop.cron(), shop.cron(), shop.cron()])
  expect(runs.reduce((sum, run) => sum + Number(run['delivered']), 0)).toBe(5)
  expect(merchant.deliveries).toHaveLength(5)
})

test('a slow webhook does not delay the answer to WeChat', async () => {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  merchant.answer = async (response) => {
    await released
    accepts(response)
  }
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  // WeChat has its answer, while the webhook still holds the event.
  expect(await shop.wechat.tick()).toBe(1)
  expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
  release()
  await shop.world.settled()
  expect(types()).toEqual(['order.paid'])
})

test.each([200, 201, 204])('the answer %i means delivered', async (status) => {
  merchant.answer = answerWith(status)
  await paidOrder()
  shop.advance(6_000)
  expect(await shop.cron()).toMatchObject({ delivered: 0 })
  expect(types()).toEqual(['order.paid'])
})

test.each([302, 400, 401, 404, 500, 503])('the answer %i means not delivered', async (status) => {
  merchant.answer = answerWith(status)
  await paidOrder()
  merchant.answer = accepts
  shop.advance(6_000)
  expect(await shop.cron()).toMatchObject({ delivered: 1 })
})

test('a broken connection means not delivered', async () => {
  merchant.answer = (response) => void response.socket?.destroy()
  await paidOrder()
  merchant.answer = accepts
  shop.advance(6_000)
  expect(await shop.cron()).toMatchObject({ delivered: 1 })
})

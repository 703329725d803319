import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ledgerOf, UNTOUCHED } from '../stores/ledger-rows.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { transactionOf } from '../support/messages/messages.ts'
import { paidAfterClosing } from '../support/paid-after-closing.ts'
import { openShop, textOf, toPayment, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
afterAll(() => shop.close())
afterEach(async () => {
  shop.world.faults.database.up()
  shop.world.faults.redis.up()
  shop.wechat.clearFaults()
  await shop.deliverNotifications()
})

const paidOnce = (outTradeNo: string) => ({
  order: { trade_state: 'SUCCESS', transaction_id: transactionOf(shop, outTradeNo) },
  payments: [transactionOf(shop, outTradeNo)],
  incidents: [],
  events: ['order.paid'],
})
const ask = async (method: string, path: string, token: string | undefined, body?: unknown) => {
  const { status, json } = await shop.call(method, path, {
    token,
    ...(body === undefined ? {} : { body }),
  })
  return [status, json['code']]
}
const prepay = (token: string, outTradeNo: string) =>
  ask('POST', '/api/prepay', token, { outTradeNo })
const query = (token: string, outTradeNo: string) =>
  ask('GET', `/api/query?outTradeNo=${outTradeNo}`, token)
const close = (token: string, outTradeNo: string) =>
  ask('POST', '/api/close', token, { outTradeNo })
const OK = [200, undefined]
const UNAVAILABLE = [503, 'unavailable']

describe('without Redis', () => {
  async function payWithout(fault: () => void): Promise<void> {
    fault()
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    const first = await shop.prepay(token, outTradeNo)
    const second = await shop.prepay(token, outTradeNo)
    expect(first['package']).toBe(second['package'])
    expect(shop.wechat.pay(toPayment(second)).errMsg).toBe('requestPayment:ok')
    expect(await shop.deliverNotifications()).toBe(1)
    expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
  }

  test('a payment works from order to SUCCESS while Redis is down', () =>
    payWithout(() => shop.world.faults.redis.down()))
  test('a payment works from order to SUCCESS while Redis accepts requests and never answers', () =>
    payWithout(() => shop.world.faults.redis.stall()))
  test('a payment works from order to SUCCESS while Redis loses its answers', () =>
    payWithout(() => shop.world.faults.redis.loseAnswers()))

  test('concurrent prepay requests are one order at WeChat', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    shop.world.faults.redis.down()
    const taps = await Promise.all(Array.from({ length: 8 }, () => shop.prepay(token, outTradeNo)))
    expect(new Set(taps.map((tap) => tap['package'])).size).toBe(1)
    expect(shop.wechat.orders().filter((order) => order.outTradeNo === outTradeNo)).toHaveLength(1)
  })
})

describe('without the database', () => {
  test('each step answers 503, and works again afterwards', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    // Close another order, because the outcome of a concurrent payment and close is undefined.
    const unwanted = await openOrder(shop)
    const code = shop.wechat.issueCode()
    shop.world.faults.database.down()
    const steps = () =>
      Promise.all([
        ask('GET', '/api/products', undefined),
        ask('PUT', '/api/products', shop.merchantKey, {
          products: [{ sku: 'tea', name: '茶', price: 1200 }],
        }),
        ask('POST', '/api/orders', token, { items: [{ sku: 'latte', quantity: 1 }] }),
        ask('GET', '/api/orders', token),
        prepay(token, outTradeNo),
        query(token, outTradeNo),
        close(unwanted.token, unwanted.outTradeNo),
        ask('GET', '/api/cron', shop.cronSecret),
      ])
    expect(await steps()).toEqual(Array(8).fill(UNAVAILABLE))
    expect(await ask('POST', '/api/login', undefined, { code })).toEqual(UNAVAILABLE)
    expect((await shop.call('GET', '/api/health')).json).toMatchObject({
      database: 'down',
      redis: 'up',
      wechat: 'up',
    })
    shop.world.faults.database.up()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
    expect((await steps()).map(([status]) => status)).toEqual([
      200, 200, 201, 200, 200, 200, 200, 200,
    ])
  })

  test('when the database stores an order and loses its answer, the same key returns that order', async () => {
    const token = await shop.logIn()
    const headers = { 'idempotency-key': 'tapped-once' }
    shop.world.faults.database.loseAnswers()
    const body = { items: [{ sku: 'latte', quantity: 1 }] }
    expect((await shop.call('POST', '/api/orders', { token, headers, body })).json['code']).toBe(
      'unavailable',
    )
    shop.world.faults.database.up()
    const outTradeNo = await shop.placeOrder(token, headers)
    expect((await shop.call('GET', '/api/orders', { token })).json['orders']).toMatchObject([
      { outTradeNo },
    ])
  })

  test('a query that was waiting for WeChat leaves nothing half done, and the next query settles the payment', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    await shop.pay(token, outTradeNo)
    shop.wechat.misbehave({ on: 'orderquery', do: 'delay', ms: 200, times: 1 })
    const asking = query(token, outTradeNo)
    await sleep(100)
    shop.world.faults.database.down()
    expect(await asking).toEqual(UNAVAILABLE)
    shop.world.faults.database.up()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
    expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
  })

  test('a prepay that was waiting for WeChat can still be paid, and the payment is settled', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    shop.wechat.misbehave({ on: 'unifiedorder', do: 'delay', ms: 200, times: 1 })
    const asking = shop.prepay(token, outTradeNo)
    await sleep(100)
    shop.world.faults.database.down()
    expect(shop.wechat.pay(toPayment(await asking)).errMsg).toBe('requestPayment:ok')
    expect(await shop.deliverNotifications()).toBe(1)
    shop.world.faults.database.up()
    shop.advance(15_000)
    expect(await shop.deliverNotifications()).toBe(1)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
  })

  test('a close that was waiting for WeChat is finished by the next close', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    shop.advance(6 * 60_000)
    shop.wechat.misbehave({ on: 'closeorder', do: 'delay', ms: 200, times: 1 })
    const asking = close(token, outTradeNo)
    await sleep(100)
    shop.world.faults.database.down()
    expect(await asking).toEqual(UNAVAILABLE)
    shop.world.faults.database.up()
    expect(await close(token, outTradeNo)).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'CLOSED' },
      events: ['order.closed'],
    })
  })

  test('a notification whose payment was just stored gets FAIL, is repeated, and it is one payment', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    await shop.pay(token, outTradeNo)
    shop.world.faults.database.slow(300)
    const delivering = shop.deliverNotifications()
    await sleep(450)
    shop.world.faults.database.down()
    await delivering
    shop.world.faults.database.up()
    shop.advance(15_000)
    expect(await shop.deliverNotifications()).toBe(1)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
  })
})

test('with a slow database the answer does not wait for the work, which is finished after it', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  shop.world.faults.database.slow(4_500)
  expect(await query(token, outTradeNo)).toEqual(UNAVAILABLE)
  shop.world.faults.database.up()
  await shop.world.settled()
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
})

describe('a payment whose notification was lost', () => {
  test('is found by cron', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    await shop.pay(token, outTradeNo)
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    await shop.deliverNotifications()
    expect(await shop.cron()).toMatchObject({ settled: 1 })
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
  })

  test('is found by cron even if the order was closed here and not yet at WeChat', async () => {
    const { outTradeNo } = await paidAfterClosing(shop)
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    await shop.deliverNotifications()
    shop.advance(60_000)
    await shop.cron()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      events: ['order.closed', 'order.paid'],
    })
  })

  test('is found by prepay, which signs no second payment', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    const payment = toPayment(await shop.prepay(token, outTradeNo))
    shop.advance(2 * 3_600_000 - 120_000)
    expect(shop.wechat.pay(payment).errMsg).toBe('requestPayment:ok')
    expect(await prepay(token, outTradeNo)).toEqual([409, 'order_paid'])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
  })

  test('is found by close, which then closes nothing', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    await shop.pay(token, outTradeNo)
    expect(await close(token, outTradeNo)).toEqual([409, 'order_paid'])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(outTradeNo))
  })

  test('is found by a query with its payment number', async () => {
    const { token, outTradeNo } = await openOrder(shop)
    await shop.pay(token, outTradeNo)
    const { json } = await shop.call(
      'GET',
      `/api/query?transactionId=${transactionOf(shop, outTradeNo)}`,
      { token },
    )
    expect([textOf(json, 'outTradeNo'), json['tradeState']]).toEqual([outTradeNo, 'SUCCESS'])
  })
})

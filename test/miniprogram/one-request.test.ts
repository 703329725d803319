/** From the tap to the cashier: one request, also with servers of other versions. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Pay, Platform } from '../../miniprogram/pay.ts'
import type { Shop } from '../support/shop.ts'
import {
  cancelsAndReports,
  createPhone,
  openShopWithoutNotifications,
  type Phone,
} from './phone.ts'

const LATTE = [{ sku: 'latte', quantity: 1 }]
const DAY_MS = 86_400_000

let shop: Shop
let phone: Phone
let client: Pay
beforeAll(async () => {
  shop = await openShopWithoutNotifications()
})
beforeEach(() => {
  shop.wechat.clearFaults()
  phone = createPhone(shop)
  client = phone.start()
})
afterAll(() => shop.close())

/** The requests between the tap and each cashier. */
async function buyAfter(screen: (client: Pay) => Promise<unknown>, by = client) {
  await screen(by)
  // A login that began beside the screen ends before the user taps.
  await by.orders()
  phone.requests.length = 0
  let beforeCashier: readonly string[] = []
  const { cashier } = phone
  phone.cashier = (act) => {
    beforeCashier = [...phone.requests]
    return cashier(act)
  }
  const outcome = await by.buy(LATTE)
  phone.cashier = cashier
  return { outcome, beforeCashier }
}
const countOf = (request: string): number =>
  phone.requests.filter((each) => each === request).length

describe('between the tap and the cashier is one request', () => {
  test.each([
    ['the catalogue', (one: Pay) => one.products()],
    ['a start of the app', (one: Pay) => one.resume()],
  ])('after %s', async (_what, screen) => {
    const { outcome, beforeCashier } = await buyAfter(screen)
    expect(outcome).toMatchObject({ state: 'paid' })
    expect(beforeCashier).toEqual(['POST /orders'])
    expect(phone.requests).toEqual(['POST /orders', 'GET /query'])
    expect(phone.waits).toEqual([])
  })

  test('when a cancelled purchase is tapped again', async () => {
    phone.cashier = cancelsAndReports
    const { outcome } = await buyAfter((one) => one.products())
    phone.cashier = (act) => act('pays')
    const again = await buyAfter((one) => one.products())
    expect(again.beforeCashier).toEqual(['POST /orders'])
    expect(again.outcome).toMatchObject({
      state: 'paid',
      order: { outTradeNo: outcome.state === 'cancelled' ? outcome.outTradeNo : '' },
    })
  })
})

describe('the login', () => {
  test.each([
    ['the catalogue', (one: Pay) => one.products()],
    ['a start of the app', (one: Pay) => one.resume()],
  ])('begins with %s', async (_what, screen) => {
    let logins = 0
    const counted = phone.start((wx) => ({ ...wx, login: () => void (logins += 1) }))
    await screen(counted)
    expect(logins).toBe(1)
  })

  test('of the first screen renews a token that ends within two hours', async () => {
    await client.orders()
    shop.advance(DAY_MS - 3_600_000)
    const { beforeCashier } = await buyAfter((one) => one.products(), phone.start())
    expect(beforeCashier).toEqual(['POST /orders'])
    expect(countOf('POST /login')).toBe(0)
  })

  test('of the first screen that fails does not affect the screen, and the tap logs in', async () => {
    phone.fate = (request) => (request === 'POST /login' ? 'offline' : 'answered')
    expect(await client.products()).toMatchObject({ ok: true })
    expect(await client.resume()).toEqual([])
    phone.fate = () => 'answered'
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
  })

  test('is part of the tap if the token has expired since', async () => {
    await client.products()
    await client.orders()
    shop.advance(DAY_MS)
    phone.requests.length = 0
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.requests).toEqual(['POST /login', 'POST /orders', 'GET /query'])
  })

  test('that renews a token does not delay a purchase, because the token is still valid', async () => {
    await client.orders()
    shop.advance(DAY_MS - 3_600_000)
    const next = phone.start((wx) => ({ ...wx, login: () => undefined }))
    void next.products()
    expect(await next.buy(LATTE)).toMatchObject({ state: 'paid' })
  })
})

test('an order that is paid while its answer is under way is not paid again', async () => {
  const order = await client.order(LATTE)
  if (!order.ok) throw new Error(order.error.code)
  const [answered, paid] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow = phone.start((wx) => ({
    ...wx,
    request: (options) =>
      wx.request({
        ...options,
        success: (answer) => {
          if (!options.url.endsWith('/orders')) return options.success(answer)
          answered.resolve()
          return void paid.promise.then(() => options.success(answer))
        },
      }),
  }))
  const buying = slow.buy(LATTE)
  await answered.promise
  expect(await slow.pay(order.value.outTradeNo)).toMatchObject({ state: 'paid' })
  paid.resolve()
  expect(await buying).toMatchObject({
    state: 'paid',
    order: { outTradeNo: order.value.outTradeNo },
  })
  expect(phone.cashiers).toBe(1)
})

describe('an order without a payment', () => {
  beforeEach(async () => {
    await client.orders()
    phone.requests.length = 0
  })

  test('gets it by prepay, after the pause that the server asks for', async () => {
    shop.wechat.misbehave({ on: 'unifiedorder', do: 'drop' })
    phone.whileWaiting = () => shop.wechat.clearFaults()
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.requests).toEqual(['POST /orders', 'POST /prepay', 'GET /query'])
    expect(phone.waits).toEqual([2_000])
  })

  test('fails with the problem of prepay, after as many attempts as before', async () => {
    shop.wechat.misbehave({ on: 'unifiedorder', do: 'drop' })
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      outTradeNo: expect.any(String),
      problem: { code: 'wechat_unknown', requestId: expect.any(String), retryAfterSeconds: 2 },
    })
    expect(phone.requests).toEqual(['POST /orders', ...Array(3).fill('POST /prepay')])
    expect(phone.waits).toEqual([2_000, 2_000, 4_000])
  })

  test('is not asked for again if WeChat’s answer is final', async () => {
    shop.wechat.misbehave({ on: 'unifiedorder', do: 'unsigned' })
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      problem: { code: 'wechat_untrusted', requestId: expect.any(String) },
    })
    expect(phone.requests).toEqual(['POST /orders'])
  })

  test('survives a lost answer of prepay', async () => {
    shop.wechat.misbehave({ on: 'unifiedorder', do: 'drop' })
    phone.whileWaiting = () => shop.wechat.clearFaults()
    phone.fate = (request) =>
      request === 'POST /prepay' && countOf(request) === 1 ? 'lost' : 'answered'
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.cashiers).toBe(1)
  })
})

describe('with a server of an earlier version', () => {
  const isWithPrepay = (data: string | undefined) => data?.includes('"prepay"') === true
  const refusing = (wx: Platform): Platform => ({
    ...wx,
    request: (options) => {
      if (!isWithPrepay(options.data)) return wx.request(options)
      phone.requests.push('POST /orders, refused')
      return options.success({
        statusCode: 400,
        data: {
          code: 'invalid_request',
          detail: 'prepay: expected this field to be left out',
        },
      })
    },
  })

  test('that refuses the field, the client orders without it, and remembers that', async () => {
    const next = phone.start(refusing)
    expect(await next.buy(LATTE)).toMatchObject({ state: 'paid' })
    const first = ['POST /orders, refused', 'POST /orders', 'POST /prepay', 'GET /query']
    expect(phone.requests).toEqual(expect.arrayContaining(first))
    phone.requests.length = 0
    expect(await next.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.requests).toEqual(['POST /orders', 'POST /prepay', 'GET /query'])
    const page = await next.orders()
    expect(page.ok && page.value.orders).toHaveLength(2)
  })

  test('that ignores the field, the client asks for the payment', async () => {
    const ignoring = (wx: Platform): Platform => ({
      ...wx,
      request: ({ data, ...options }) =>
        wx.request({
          ...options,
          ...(data === undefined ? {} : { data: data.replace(',"prepay":true', '') }),
        }),
    })
    await client.orders()
    phone.requests.length = 0
    expect(await phone.start(ignoring).buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.requests).toEqual(['POST /orders', 'POST /prepay', 'GET /query'])
  })
})

test('a client of an earlier version orders and asks for the payment in two calls', async () => {
  const order = await client.order(LATTE)
  if (!order.ok) throw new Error(order.error.code)
  expect(order.value).toMatchObject({ tradeState: 'NOTPAY' })
  expect(await client.pay(order.value.outTradeNo)).toMatchObject({ state: 'paid' })
  expect(phone.bodies.filter((body) => body.includes('"prepay"'))).toEqual([])
})

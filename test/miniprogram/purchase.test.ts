/** The outcome of a purchase, which does not depend on what the cashier reports. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Order, Outcome, Pay } from '../../miniprogram/pay.ts'
import { COOKIE, type Shop } from '../support/shop.ts'
import {
  cancelsAndReports,
  createPhone,
  openShopWithoutNotifications,
  type Phone,
} from './phone.ts'

const LATTE = [{ sku: 'latte', quantity: 1 }]

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

/** All orders of the user in the ledger. */
async function orders(): Promise<readonly Order[]> {
  const page = await client.orders()
  if (!page.ok) throw new Error(page.error.code)
  return page.value.orders
}
const states = async (): Promise<readonly string[]> =>
  (await orders()).map(({ tradeState }) => tradeState)

async function placed(): Promise<string> {
  const order = await client.order(LATTE)
  if (!order.ok) throw new Error(order.error.code)
  return order.value.outTradeNo
}
const numberOf = (outcome: Outcome) =>
  outcome.state === 'paid' ? outcome.order.outTradeNo : outcome.outTradeNo

test('the catalogue needs no login', async () => {
  phone.fate = (request) => (request === 'POST /login' ? 'offline' : 'answered')
  expect(await client.products()).toEqual({ ok: true, value: expect.arrayContaining([COOKIE]) })
})

test('a purchase logs in, orders, opens the cashier, and is paid once the server says so', async () => {
  const outcome = await client.buy(
    [
      { sku: 'latte', quantity: 2 },
      { sku: 'cookie', quantity: 1 },
    ],
    'table=7',
  )
  expect(outcome).toMatchObject({
    state: 'paid',
    order: { tradeState: 'SUCCESS', totalFee: 6_500, attach: 'table=7' },
  })
  expect(phone.requests).toEqual(['POST /login', 'POST /orders', 'GET /query'])
  expect(phone.waits).toEqual([])
})

test('a user who buys the same basket again after paying gets a second order', async () => {
  const [first, second] = [await client.buy(LATTE), await client.buy(LATTE)]
  expect([first.state, second.state]).toEqual(['paid', 'paid'])
  expect(numberOf(first)).not.toBe(numberOf(second))
})

describe('a cancelled cashier', () => {
  test('is a cancelled payment, after one query', async () => {
    phone.cashier = cancelsAndReports
    expect(await client.buy(LATTE)).toEqual({ state: 'cancelled', outTradeNo: expect.any(String) })
    expect(phone.requests.at(-1)).toBe('GET /query')
    expect(phone.waits).toEqual([])
  })

  test('is followed by the same order at the next tap', async () => {
    phone.cashier = cancelsAndReports
    const cancelled = await client.buy(LATTE)
    phone.cashier = (act) => act('pays')
    const paid = await client.buy(LATTE)
    expect(paid.state).toBe('paid')
    expect(numberOf(paid)).toBe(numberOf(cancelled))
  })

  test('is followed by a new order in the same tap if the old one has expired', async () => {
    phone.cashier = cancelsAndReports
    await client.buy(LATTE)
    shop.advance(2 * 3_600_000)
    phone.cashier = (act) => act('pays')
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.cashiers).toBe(2)
    expect((await states())[0]).toBe('SUCCESS')
    expect(await orders()).toHaveLength(2)
  })

  test('is a paid order if the server says so', async () => {
    phone.cashier = (act) => {
      act('pays')
      return 'requestPayment:fail cancel'
    }
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'paid',
      order: { tradeState: 'SUCCESS' },
    })
  })

  test('is an unknown outcome while the server cannot be reached', async () => {
    phone.cashier = cancelsAndReports
    phone.fate = (request) => (request === 'GET /query' ? 'offline' : 'answered')
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'unknown',
      problem: { code: 'network' },
    })
  })
})

describe('a cashier that failed', () => {
  test('is a failure with the cashier’s own error', async () => {
    phone.cashier = () => 'requestPayment:fail jsapi has no permission'
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      problem: { code: 'cashier_failed', detail: 'requestPayment:fail jsapi has no permission' },
    })
  })

  test('is a paid order if the server says so', async () => {
    phone.cashier = (act) => {
      act('pays')
      return 'requestPayment:fail system error'
    }
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
  })

  test('with an exception is a failure too', async () => {
    phone.cashier = () => {
      throw new Error('the cashier is not available')
    }
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      problem: { code: 'cashier_failed' },
    })
  })
})

describe('a cashier that reports "ok"', () => {
  test('is an unknown outcome if a bounded number of queries finds no payment', async () => {
    phone.cashier = () => 'requestPayment:ok'
    expect(await client.buy(LATTE)).toEqual({
      state: 'unknown',
      outTradeNo: expect.any(String),
      problem: null,
    })
    expect(phone.waits).toEqual([1_000, 2_000, 3_000, 5_000, 8_000])
    expect(phone.requests.filter((request) => request === 'GET /query')).toHaveLength(6)
  })

  test('is a payment once the server knows it', async () => {
    phone.cashier = (act) => {
      phone.whileWaiting = () => {
        if (phone.waits.length === 3) act('pays')
      }
      return 'requestPayment:ok'
    }
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.waits).toEqual([1_000, 2_000, 3_000])
  })

  test('is queried again while WeChat does not answer the server', async () => {
    phone.cashier = (act) => {
      shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
      phone.whileWaiting = () => shop.wechat.clearFaults()
      return act('pays')
    }
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
  })

  test('is found by the next start of the app if no query succeeds', async () => {
    phone.cashier = (act) => {
      phone.fate = (request) => (request === 'GET /query' ? 'offline' : 'answered')
      return act('pays')
    }
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'unknown',
      problem: { code: 'network' },
    })
    phone.fate = () => 'answered'
    const next = phone.start()
    expect(await next.resume()).toMatchObject([{ state: 'paid', order: { tradeState: 'SUCCESS' } }])
    expect(await next.resume()).toEqual([])
  })
})

describe('an order', () => {
  test('that was paid before is reported as paid, and no cashier opens', async () => {
    const outTradeNo = await placed()
    await client.pay(outTradeNo)
    expect(await client.pay(outTradeNo)).toMatchObject({ state: 'paid', order: { outTradeNo } })
    expect(phone.cashiers).toBe(1)
  })

  test('that was closed before is reported as closed, and no cashier opens', async () => {
    const outTradeNo = await placed()
    await shop.call('POST', '/api/close', { token: shop.merchantKey, body: { outTradeNo } })
    expect(await client.pay(outTradeNo)).toEqual({ state: 'closed', outTradeNo })
    expect(phone.cashiers).toBe(0)
    expect(await placed()).not.toBe(outTradeNo)
  })

  test('that is closed while the payer enters the password is closed', async () => {
    phone.cashier = async (act) => {
      shop.advance(6 * 60_000)
      const [order] = await orders()
      await shop.call('POST', '/api/close', {
        token: shop.merchantKey,
        body: { outTradeNo: order?.outTradeNo },
      })
      return act('pays')
    }
    expect(await client.buy(LATTE)).toMatchObject({ state: 'closed' })
    expect(await states()).toEqual(['CLOSED'])
  })

  test('of another user is a failure, and removed from storage', async () => {
    const outTradeNo = await placed()
    const stranger = createPhone(shop).start()
    expect(await stranger.pay(outTradeNo)).toMatchObject({
      state: 'failed',
      outTradeNo,
      problem: { code: 'order_not_found' },
    })
    expect(await stranger.resume()).toEqual([])
  })

  test('is the same for the same basket until it is paid', async () => {
    const outTradeNo = await placed()
    expect(await placed()).toBe(outTradeNo)
    await client.pay(outTradeNo)
    expect(await placed()).not.toBe(outTradeNo)
  })

  test('that the server refuses gives its reason and the request id', async () => {
    expect(await client.buy([{ sku: 'tea', quantity: 1 }])).toEqual({
      state: 'failed',
      outTradeNo: null,
      problem: {
        code: 'invalid_request',
        detail: 'items: expected products of the catalogue, which has no tea',
        requestId: expect.stringMatching(/^[\w-]{36}$/),
        retryAfterSeconds: null,
      },
    })
    expect(phone.cashiers).toBe(0)
  })

  test('is listed page by page', async () => {
    for (let count = 0; count < 21; count += 1)
      await client.order([{ sku: 'cookie', quantity: count + 1 }])
    const first = await client.orders()
    const second =
      first.ok && first.value.nextCursor !== undefined
        ? await client.orders(first.value.nextCursor)
        : first
    expect(first).toMatchObject({ ok: true, value: { orders: { length: 20 } } })
    expect(second).toMatchObject({ ok: true, value: { orders: [{ totalFee: 900 }] } })
  })
})

describe('two concurrent taps', () => {
  test('are one purchase: one order, one cashier, one promise', async () => {
    const [first, second] = [client.buy(LATTE), client.buy(LATTE)]
    expect(second).toBe(first)
    expect(await first).toMatchObject({ state: 'paid' })
    expect(phone.cashiers).toBe(1)
    expect(await states()).toEqual(['SUCCESS'])
  })

  test('on an unpaid order are one payment', async () => {
    const outTradeNo = await placed()
    const [first, second] = [client.pay(outTradeNo), client.pay(outTradeNo)]
    expect(second).toBe(first)
    await first
    expect(phone.cashiers).toBe(1)
  })

  test('on a basket and on its order are one payment', async () => {
    const outTradeNo = await placed()
    const outcomes = await Promise.all([client.buy(LATTE), client.pay(outTradeNo)])
    expect(outcomes.map(numberOf)).toEqual([outTradeNo, outTradeNo])
    expect(phone.cashiers).toBe(1)
  })

  test('on two baskets are two purchases', async () => {
    await Promise.all([client.buy(LATTE), client.buy([{ sku: 'cookie', quantity: 1 }])])
    expect((await states()).length).toBe(2)
  })
})

test('a payment in progress is not reported as unpaid when the app returns to the foreground', async () => {
  let resumed: unknown
  phone.cashier = async (act) => {
    resumed = await client.resume()
    return act('pays')
  }
  expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
  expect(resumed).toEqual([])
})

test('with full storage the client can still buy, continue an order, and buy again after it has expired', async () => {
  phone.cashier = cancelsAndReports
  await client.buy(LATTE)
  const full = phone.start((wx) => ({
    ...wx,
    setStorageSync: () => {
      throw new Error('setStorageSync:fail exceed storage max size 10Mb')
    },
  }))
  await full.buy(LATTE)
  expect(await states()).toEqual(['NOTPAY'])
  shop.advance(2 * 3_600_000)
  phone.cashier = (act) => act('pays')
  expect(await full.buy(LATTE)).toMatchObject({ state: 'paid' })
  expect((await states())[0]).toBe('SUCCESS')
})

/** How a purchase ends, whatever the phone says of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Order, Outcome, Pay } from '../../miniprogram/pay.ts'
import { COOKIE, type Shop } from '../support/shop.ts'
import { cancelsHonestly, createPhone, openQuietShop, type Phone } from './phone.ts'

const LATTE = [{ sku: 'latte', quantity: 1 }]

let shop: Shop
let phone: Phone
let client: Pay
beforeAll(async () => {
  shop = await openQuietShop()
})
beforeEach(() => {
  shop.wechat.clearFaults()
  phone = createPhone(shop)
  client = phone.start()
})
afterAll(() => shop.close())

/** All orders of the phone's user, as the ledger has them. */
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

test('the catalogue is there for anybody, without a login', async () => {
  expect(await client.products()).toEqual({ ok: true, value: expect.arrayContaining([COOKIE]) })
  expect(phone.requests).toEqual(['GET /products'])
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
  expect(phone.requests).toEqual(['POST /login', 'POST /orders', 'POST /prepay', 'GET /query'])
  expect(phone.waits).toEqual([])
})

test('who buys the same again after having paid gets a second order', async () => {
  const [first, second] = [await client.buy(LATTE), await client.buy(LATTE)]
  expect([first.state, second.state]).toEqual(['paid', 'paid'])
  expect(numberOf(first)).not.toBe(numberOf(second))
})

describe('a cashier that was left', () => {
  test('is a cancelled payment, after one question to the server', async () => {
    phone.cashier = cancelsHonestly
    expect(await client.buy(LATTE)).toEqual({ state: 'cancelled', outTradeNo: expect.any(String) })
    expect(phone.requests.at(-1)).toBe('GET /query')
    expect(phone.waits).toEqual([])
  })

  test('goes on with the same order at the next tap', async () => {
    phone.cashier = cancelsHonestly
    const cancelled = await client.buy(LATTE)
    phone.cashier = (act) => act('pays')
    const paid = await client.buy(LATTE)
    expect(paid.state).toBe('paid')
    expect(numberOf(paid)).toBe(numberOf(cancelled))
  })

  test('leads to a new order where the old one has expired meanwhile, in the same tap', async () => {
    phone.cashier = cancelsHonestly
    await client.buy(LATTE)
    shop.advance(2 * 3_600_000)
    phone.cashier = (act) => act('pays')
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.cashiers).toBe(2)
    expect((await states())[0]).toBe('SUCCESS')
    expect(await orders()).toHaveLength(2)
  })

  test('is paid all the same if the server says so', async () => {
    phone.cashier = (act) => {
      act('pays')
      return 'requestPayment:fail cancel'
    }
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'paid',
      order: { tradeState: 'SUCCESS' },
    })
  })

  test('is not known to be unpaid while the server cannot be asked', async () => {
    phone.cashier = cancelsHonestly
    phone.fate = (request) => (request === 'GET /query' ? 'offline' : 'answered')
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'unknown',
      problem: { code: 'network' },
    })
  })
})

describe('a cashier that failed', () => {
  test('is told apart from a cancelled one, with what the phone said', async () => {
    phone.cashier = () => 'requestPayment:fail jsapi has no permission'
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      problem: { code: 'cashier_failed', detail: 'requestPayment:fail jsapi has no permission' },
    })
  })

  test('is paid all the same if the server says so', async () => {
    phone.cashier = (act) => {
      act('pays')
      return 'requestPayment:fail system error'
    }
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
  })

  test('by throwing is a failure like any other', async () => {
    phone.cashier = () => {
      throw new Error('no cashier here')
    }
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      problem: { code: 'cashier_failed' },
    })
  })
})

describe('a phone that says "ok"', () => {
  test('is not believed: after a bounded number of questions the payment is still being confirmed', async () => {
    phone.cashier = () => 'requestPayment:ok'
    expect(await client.buy(LATTE)).toEqual({
      state: 'unknown',
      outTradeNo: expect.any(String),
      problem: null,
    })
    expect(phone.waits).toEqual([1_000, 2_000, 3_000, 5_000, 8_000])
    expect(phone.requests.filter((request) => request === 'GET /query')).toHaveLength(6)
  })

  test('is waited for until the server knows it too', async () => {
    phone.cashier = (act) => {
      phone.whileWaiting = () => {
        if (phone.waits.length === 3) act('pays')
      }
      return 'requestPayment:ok'
    }
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.waits).toEqual([1_000, 2_000, 3_000])
  })

  test('is asked about again while WeChat does not answer the server', async () => {
    phone.cashier = (act) => {
      shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
      phone.whileWaiting = () => shop.wechat.clearFaults()
      return act('pays')
    }
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
  })

  test('leaves a payment that the next start of the app finds', async () => {
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
  test('that is paid already is paid, and no cashier opens', async () => {
    const outTradeNo = await placed()
    await client.pay(outTradeNo)
    expect(await client.pay(outTradeNo)).toMatchObject({ state: 'paid', order: { outTradeNo } })
    expect(phone.cashiers).toBe(1)
  })

  test('that is closed is closed, and no cashier opens', async () => {
    const outTradeNo = await placed()
    await shop.call('POST', '/api/close', { token: shop.merchantKey, body: { outTradeNo } })
    expect(await client.pay(outTradeNo)).toEqual({ state: 'closed', outTradeNo })
    expect(phone.cashiers).toBe(0)
    expect(await placed()).not.toBe(outTradeNo)
  })

  test('that is closed while its payer types the password is closed', async () => {
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

  test('of somebody else is a failure, and forgotten', async () => {
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

  test('that the server refuses says why, and names the request in the log', async () => {
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

  test('is found page by page', async () => {
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

describe('two taps at once', () => {
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

  test('one on the basket and one on its order, are one payment', async () => {
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

test('a payment under way is not reported as unpaid when the app comes back to the front', async () => {
  let resumed: unknown
  phone.cashier = async (act) => {
    resumed = await client.resume()
    return act('pays')
  }
  expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
  expect(resumed).toEqual([])
})

test('with its storage full a phone can still buy, go on with an order, and buy anew when it has expired', async () => {
  phone.cashier = cancelsHonestly
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

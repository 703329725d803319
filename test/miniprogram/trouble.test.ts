/** Ended tokens, lost answers, limits, and servers that are out of order for a moment. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Pay } from '../../miniprogram/pay.ts'
import { fingerprint } from '../../lib/core/fingerprint.ts'
import { wire } from '../../lib/composition.ts'
import type { Shop } from '../support/shop.ts'
import { createPhone, openQuietShop, type Fate, type Phone } from './phone.ts'

const LATTE = [{ sku: 'latte', quantity: 1 }]
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

let shop: Shop
let phone: Phone
let client: Pay
beforeAll(async () => {
  shop = await openQuietShop()
})
beforeEach(() => {
  shop.wechat.clearFaults()
  shop.world.faults.database.up()
  shop.world.faults.redis.up()
  phone = createPhone(shop)
  client = phone.start()
})
afterAll(() => shop.close())

const made = (request: string): number => phone.requests.filter((each) => each === request).length
const totals = async () => {
  const page = await client.orders()
  return page.ok ? page.value.orders.map(({ tradeState }) => tradeState) : page.error.code
}
/** The first so many of these requests end like that. */
function first(times: number, request: string, fate: Fate): void {
  phone.fate = (each) => (each === request && made(request) <= times ? fate : 'answered')
}

describe('a token', () => {
  test('serves every call of a day, also after the app was started again', async () => {
    await client.orders()
    await phone.start().orders()
    shop.advance(DAY_MS / 2)
    await phone.start().orders()
    expect(made('POST /login')).toBe(1)
  })

  test('that ends in less than a minute is renewed before it is sent', async () => {
    await client.orders()
    shop.advance(DAY_MS - MINUTE_MS / 2)
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.requests).toEqual(['POST /login', 'GET /orders', 'POST /login', 'GET /orders'])
  })

  test('that has ended, on a phone whose clock does not say so, is renewed, and nobody notices', async () => {
    await client.orders()
    for (const [key, kept] of phone.storage)
      phone.storage.set(key, kept.replace(/"endsAt":\d+/, '"endsAt":9007199254740991'))
    shop.advance(DAY_MS + MINUTE_MS)
    client = phone.start()
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.requests.slice(2)).toEqual(['GET /orders', 'POST /login', 'GET /orders'])
  })

  test('that is refused when it is new is renewed once, not for ever', async () => {
    const refusal = { code: 'not_signed_in', detail: 'Send a token.' }
    const refusing = phone.start((wx) => ({
      ...wx,
      request: (options) =>
        options.url.endsWith('/login')
          ? wx.request(options)
          : options.success({ statusCode: 401, data: refusal, header: {} }),
    }))
    expect(await refusing.orders()).toMatchObject({ ok: false, error: refusal })
    expect(phone.requests).toEqual(['POST /login', 'POST /login'])
  })

  test('is asked for once by ten calls that need it at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.orders()))
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect(made('POST /login')).toBe(1)
  })

  test('that has ended is renewed once by ten calls that find out at the same time', async () => {
    await client.orders()
    for (const [key, kept] of phone.storage)
      phone.storage.set(key, kept.replace(/"endsAt":\d+/, '"endsAt":9007199254740991'))
    shop.advance(DAY_MS + MINUTE_MS)
    client = phone.start()
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.orders()))
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect(made('POST /login')).toBe(2)
  })
})

describe('a login', () => {
  test('whose answer is lost is made again with a new code', async () => {
    first(1, 'POST /login', 'lost')
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.bodies).toHaveLength(2)
    expect(phone.bodies[0]).not.toBe(phone.bodies[1])
  })

  test('that WeChat does not answer is made again with a new code', async () => {
    shop.wechat.misbehave({ on: 'jscode2session', do: 'drop' })
    phone.whileWaiting = () => shop.wechat.clearFaults()
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.bodies[0]).not.toBe(phone.bodies[1])
  })

  test('with a code that was used up is made again with a new code', async () => {
    const used = shop.wechat.issueCode(phone.openid)
    await shop.call('POST', '/api/login', { body: { code: used, nickname: 'a' } })
    let codes = 0
    const replaying = phone.start((wx) => ({
      ...wx,
      login: (options) => (++codes === 1 ? options.success({ code: used }) : wx.login(options)),
      request: (options) =>
        wx.request(
          codes === 1
            ? { ...options, data: JSON.stringify({ code: used, rawData: '{}', signature: '' }) }
            : options,
        ),
    }))
    expect(await replaying.orders()).toMatchObject({ ok: true })
    expect(codes).toBe(2)
  })

  test('that the phone refuses is no answer, and asked for again', async () => {
    let logins = 0
    const moody = phone.start((wx) => ({
      ...wx,
      login: (options) =>
        ++logins < 3 ? options.fail({ errMsg: 'login:fail system error' }) : wx.login(options),
    }))
    expect(await moody.orders()).toMatchObject({ ok: true })
    const broken = createPhone(shop).start((wx) => ({
      ...wx,
      login: ({ fail }) => fail({ errMsg: 'login:fail system error' }),
    }))
    expect(await broken.orders()).toMatchObject({
      ok: false,
      error: { code: 'network', detail: 'login:fail system error' },
    })
  })
})

describe('a lost answer', () => {
  test.each(['POST /login', 'POST /orders', 'POST /prepay', 'GET /query'])(
    'of %s leads to one order and one payment',
    async (request) => {
      first(2, request, 'lost')
      expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
      expect(await totals()).toEqual(['SUCCESS'])
      expect(phone.cashiers).toBe(1)
    },
  )

  test('of an order, however often, leads to the same order when it is bought again', async () => {
    phone.fate = (request) => (request === 'POST /orders' ? 'lost' : 'answered')
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      outTradeNo: null,
      problem: { code: 'network' },
    })
    expect(made('POST /orders')).toBe(4)
    expect(phone.waits).toEqual([1_000, 2_000, 4_000])
    phone.fate = () => 'answered'
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(await totals()).toEqual(['SUCCESS'])
  })

  test('of an order that is then paid from the list of orders does not keep its user from buying another', async () => {
    phone.fate = (request) => (request === 'POST /orders' ? 'lost' : 'answered')
    await client.buy(LATTE)
    phone.fate = () => 'answered'
    const page = await client.orders()
    await client.pay(page.ok ? (page.value.orders[0]?.outTradeNo ?? '') : '')
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(await totals()).toEqual(['SUCCESS', 'SUCCESS'])
  })
})

describe('a network', () => {
  test('that is gone is a value, after a bounded number of attempts', async () => {
    phone.fate = () => 'offline'
    expect(await client.products()).toEqual({
      ok: false,
      error: {
        code: 'network',
        detail: 'request:fail net::ERR_INTERNET_DISCONNECTED',
        requestId: null,
        retryAfterSeconds: null,
      },
    })
    expect(phone.waits).toEqual([1_000, 2_000, 4_000])
  })

  test('with a gateway that does not reach the server is asked again', async () => {
    first(1, 'GET /products', { status: 502, text: '<html>Bad gateway</html>' })
    expect(await client.products()).toMatchObject({ ok: true })
  })

  test.each([200, 404])(
    'where somebody else answers (%i) is not taken for the server',
    async (status) => {
      phone.fate = () => ({ status, text: '<html>Welcome to our hotel</html>' })
      expect(await client.products()).toMatchObject({
        ok: false,
        error: { code: 'unreadable', detail: `HTTP ${status}` },
      })
      expect(phone.waits).toEqual([])
    },
  )
})

describe('a server', () => {
  test('without its database is asked again until it is back', async () => {
    shop.world.faults.database.down()
    phone.whileWaiting = () => phone.waits.length === 2 && shop.world.faults.database.up()
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    // It says itself that two seconds are enough.
    expect(phone.waits).toEqual([2_000, 2_000])
    expect(await totals()).toEqual(['SUCCESS'])
  })

  test('whose database stays away says so, and nothing is half done', async () => {
    await client.orders()
    shop.world.faults.database.down()
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      outTradeNo: null,
      problem: { code: 'unavailable' },
    })
    expect(made('POST /orders')).toBe(4)
    shop.world.faults.database.up()
    expect(await totals()).toEqual([])
  })

  test('without its Redis sells as ever', async () => {
    shop.world.faults.redis.down()
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.waits).toEqual([])
  })

  test.each([
    ['does not answer', { on: 'unifiedorder', do: 'drop' }],
    ['is busy', { on: 'unifiedorder', do: 'err-code', errCode: 'FREQUENCY_LIMITED' }],
  ] as const)('whose WeChat %s is asked again, and one cashier opens', async (_what, fault) => {
    shop.wechat.misbehave(fault)
    phone.whileWaiting = () => shop.wechat.clearFaults()
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.waits).toEqual([2_000])
    expect(phone.cashiers).toBe(1)
  })
})

describe('a user who orders too often', () => {
  /** Brings them over the limit, so many seconds before the minute ends. */
  async function exceed(secondsLeft: number): Promise<void> {
    shop.advance(3 * MINUTE_MS - (Date.now() % MINUTE_MS) - secondsLeft * 1_000)
    await client.orders()
    const caller = { kind: 'user', id: `wx00000000demo0001 ${phone.openid}` } as const
    await wire().limits.count('orders', [caller])
    const minute = Math.floor(Date.now() / MINUTE_MS)
    await shop.redis(
      'INCRBY',
      `wxpay:limit:orders:user:${fingerprint([caller.kind, caller.id])}:${minute}`,
      '200',
    )
    await wire().limits.count('orders', [caller])
  }

  test('is served after the time the server wanted', async () => {
    await exceed(4)
    expect(await client.order(LATTE)).toMatchObject({ ok: true })
    expect(phone.waits).toEqual([4_000])
    expect(made('POST /orders')).toBe(2)
  })

  test('is told when to come back where that is not soon, and the server is left alone', async () => {
    await exceed(40)
    expect(await client.order(LATTE)).toMatchObject({
      ok: false,
      error: { code: 'too_many_requests', retryAfterSeconds: 40 },
    })
    expect(phone.waits).toEqual([])
    expect(made('POST /orders')).toBe(1)
  })
})

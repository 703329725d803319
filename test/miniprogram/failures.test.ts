/** Expired tokens, lost answers, limits and transient failures of the server. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Pay } from '../../miniprogram/pay.ts'
import { fingerprint } from '../../lib/core/fingerprint.ts'
import { thisInstance } from '../../lib/composition.ts'
import type { Shop } from '../support/shop.ts'
import { createPhone, openShopWithoutNotifications, type Fate, type Phone } from './phone.ts'

const LATTE = [{ sku: 'latte', quantity: 1 }]
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

let shop: Shop
let phone: Phone
let client: Pay
beforeAll(async () => {
  shop = await openShopWithoutNotifications()
})
beforeEach(() => {
  shop.wechat.clearFaults()
  shop.world.faults.database.up()
  shop.world.faults.redis.up()
  phone = createPhone(shop)
  client = phone.start()
})
afterAll(() => shop.close())

const countOf = (request: string): number =>
  phone.requests.filter((each) => each === request).length
const totals = async () => {
  const page = await client.orders()
  return page.ok ? page.value.orders.map(({ tradeState }) => tradeState) : page.error.code
}
/** The first `times` requests of this kind have this fate. */
function failFirst(times: number, request: string, fate: Fate): void {
  phone.fate = (each) => (each === request && countOf(request) <= times ? fate : 'answered')
}

describe('a token', () => {
  test('serves all calls for a day, also after a restart of the app', async () => {
    await client.orders()
    await phone.start().orders()
    shop.advance(DAY_MS / 2)
    await phone.start().orders()
    expect(countOf('POST /login')).toBe(1)
  })

  test('that expires in less than a minute is renewed before it is sent', async () => {
    await client.orders()
    shop.advance(DAY_MS - MINUTE_MS / 2)
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.requests).toEqual(['POST /login', 'GET /orders', 'POST /login', 'GET /orders'])
  })

  test('that has expired is renewed without an error, even if the device’s clock is wrong', async () => {
    await client.orders()
    for (const [key, kept] of phone.storage)
      phone.storage.set(key, kept.replace(/"endsAt":\d+/, '"endsAt":9007199254740991'))
    shop.advance(DAY_MS + MINUTE_MS)
    client = phone.start()
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.requests.slice(2)).toEqual(['GET /orders', 'POST /login', 'GET /orders'])
  })

  test('that is refused when it is new is renewed only once', async () => {
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

  test('is requested once by ten concurrent calls', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.orders()))
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect(countOf('POST /login')).toBe(1)
  })

  test('that has expired is renewed once by ten concurrent calls', async () => {
    await client.orders()
    for (const [key, kept] of phone.storage)
      phone.storage.set(key, kept.replace(/"endsAt":\d+/, '"endsAt":9007199254740991'))
    shop.advance(DAY_MS + MINUTE_MS)
    client = phone.start()
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.orders()))
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect(countOf('POST /login')).toBe(2)
  })
})

describe('a login', () => {
  test('whose answer is lost is retried with a new code', async () => {
    failFirst(1, 'POST /login', 'lost')
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.bodies).toHaveLength(2)
    expect(phone.bodies[0]).not.toBe(phone.bodies[1])
  })

  test('that WeChat does not answer is retried with a new code', async () => {
    shop.wechat.misbehave({ on: 'jscode2session', do: 'drop' })
    phone.whileWaiting = () => shop.wechat.clearFaults()
    expect(await client.orders()).toMatchObject({ ok: true })
    expect(phone.bodies[0]).not.toBe(phone.bodies[1])
  })

  test('with a used code is retried with a new code', async () => {
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

  test('that `wx.login` refuses is retried', async () => {
    let logins = 0
    const unreliable = phone.start((wx) => ({
      ...wx,
      login: (options) =>
        ++logins < 3 ? options.fail({ errMsg: 'login:fail system error' }) : wx.login(options),
    }))
    expect(await unreliable.orders()).toMatchObject({ ok: true })
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
  test.each(['POST /login', 'POST /orders', 'GET /query'])(
    'of %s leads to one order and one payment',
    async (request) => {
      failFirst(2, request, 'lost')
      expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
      expect(await totals()).toEqual(['SUCCESS'])
      expect(phone.cashiers).toBe(1)
    },
  )

  test('of an order leads to the same order when it is bought again, even after several losses', async () => {
    phone.fate = (request) => (request === 'POST /orders' ? 'lost' : 'answered')
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      outTradeNo: null,
      problem: { code: 'network' },
    })
    expect(countOf('POST /orders')).toBe(4)
    expect(phone.waits).toEqual([1_000, 2_000, 4_000])
    phone.fate = () => 'answered'
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(await totals()).toEqual(['SUCCESS'])
  })

  test('of an order that is then paid from the list of orders does not prevent another purchase', async () => {
    phone.fate = (request) => (request === 'POST /orders' ? 'lost' : 'answered')
    await client.buy(LATTE)
    phone.fate = () => 'answered'
    const page = await client.orders()
    await client.pay(page.ok ? (page.value.orders[0]?.outTradeNo ?? '') : '')
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(await totals()).toEqual(['SUCCESS', 'SUCCESS'])
  })
})

describe('a network failure', () => {
  test('is an error value after a bounded number of attempts', async () => {
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

  test('at a gateway is retried', async () => {
    failFirst(1, 'GET /products', { status: 502, text: '<html>Bad gateway</html>' })
    expect(await client.products()).toMatchObject({ ok: true })
  })

  test.each([200, 404])(
    'with an answer of a captive portal (%i) is the error "unreadable"',
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
  test('without its database is retried until the database is up', async () => {
    shop.world.faults.database.down()
    phone.whileWaiting = () => phone.waits.length === 2 && shop.world.faults.database.up()
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    // Retry-After is two seconds.
    expect(phone.waits).toEqual([2_000, 2_000])
    expect(await totals()).toEqual(['SUCCESS'])
  })

  test('whose database stays down gives an error, and nothing is half done', async () => {
    await client.orders()
    shop.world.faults.database.down()
    expect(await client.buy(LATTE)).toMatchObject({
      state: 'failed',
      outTradeNo: null,
      problem: { code: 'unavailable' },
    })
    expect(countOf('POST /orders')).toBe(4)
    shop.world.faults.database.up()
    expect(await totals()).toEqual([])
  })

  test('without Redis serves all calls', async () => {
    shop.world.faults.redis.down()
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.waits).toEqual([])
  })

  test.each([
    ['does not answer', { on: 'unifiedorder', do: 'drop' }],
    ['is busy', { on: 'unifiedorder', do: 'err-code', errCode: 'FREQUENCY_LIMITED' }],
  ] as const)('whose WeChat %s is retried, and one cashier opens', async (_what, fault) => {
    shop.wechat.misbehave(fault)
    phone.whileWaiting = () => shop.wechat.clearFaults()
    expect(await client.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(phone.waits).toEqual([2_000])
    expect(phone.cashiers).toBe(1)
  })
})

describe('a user who orders too often', () => {
  /** Exceeds the limit this many seconds before the minute ends. */
  async function exceed(secondsLeft: number): Promise<void> {
    shop.advance(3 * MINUTE_MS - (Date.now() % MINUTE_MS) - secondsLeft * 1_000)
    await client.orders()
    const caller = { kind: 'user', id: `wx00000000demo0001 ${phone.openid}` } as const
    await thisInstance().edge.limits.count('orders', [caller])
    const minute = Math.floor(Date.now() / MINUTE_MS)
    await shop.redis(
      'INCRBY',
      `wxpay:limit:orders:user:${fingerprint([caller.kind, caller.id])}:${minute}`,
      '200',
    )
    await thisInstance().edge.limits.count('orders', [caller])
  }

  test('is served after the time in Retry-After', async () => {
    await exceed(4)
    expect(await client.order(LATTE)).toMatchObject({ ok: true })
    expect(phone.waits).toEqual([4_000])
    expect(countOf('POST /orders')).toBe(2)
  })

  test('gets an error with the time if Retry-After is long, and no retry is sent', async () => {
    await exceed(40)
    expect(await client.order(LATTE)).toMatchObject({
      ok: false,
      error: { code: 'too_many_requests', retryAfterSeconds: 40 },
    })
    expect(phone.waits).toEqual([])
    expect(countOf('POST /orders')).toBe(1)
  })
})

describe('a phone number', () => {
  /** The user taps the button and agrees. */
  const tap = () => ({ detail: shop.wechat.tapPhoneButton(phone.openid, '13800000001') })

  test('comes from the code of the button, by the token that the client has', async () => {
    expect(await client.phoneNumber(tap())).toEqual({ ok: true, value: '13800000001' })
    await client.phoneNumber(tap())
    expect(phone.bodies.filter((body) => body.includes('"code"'))).toHaveLength(1)
  })

  test('whose answer is lost comes with the retry, from the same code', async () => {
    const event = tap()
    await client.orders()
    failFirst(countOf('POST /login') + 1, 'POST /login', 'lost')
    expect(await client.phoneNumber(event)).toEqual({ ok: true, value: '13800000001' })
    expect(shop.countCalls('/wxa/business/getuserphonenumber')).toBeGreaterThan(1)
  })

  test.each([
    [
      'the quota is used up',
      { errno: 1_400_001, errMsg: 'getPhoneNumber:fail' },
      'phone_quota_used_up',
    ],
    ['the user refuses', { errMsg: 'getPhoneNumber:fail user deny' }, 'phone_refused'],
    [
      'the app may not ask',
      { errno: 102, errMsg: 'getPhoneNumber:fail no permission' },
      'phone_refused',
    ],
  ])('is not asked of the server when %s', async (_, detail, code) => {
    expect(await client.phoneNumber({ detail })).toMatchObject({ ok: false, error: { code } })
    expect(phone.requests).toEqual([])
  })

  test('of a code that WeChat refuses is an error of its own, and is not retried', async () => {
    expect(await client.phoneNumber({ detail: { code: 'unknown' } })).toMatchObject({
      ok: false,
      error: { code: 'phone_code_invalid' },
    })
    expect(phone.waits).toEqual([])
  })
})

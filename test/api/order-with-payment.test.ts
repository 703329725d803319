/** `POST /api/orders` with `prepay: true`: the order and the argument of the cashier. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { post } from '../../api/orders.ts'
import { thisInstance } from '../../lib/composition.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import type { Deps } from '../../lib/ports.ts'
import { listenToLog } from '../steps/log-lines.ts'
import { openShop, textOf, toPayment, type Json, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(async () => {
  token = await shop.logIn()
})
afterEach(async () => {
  shop.wechat.clearFaults()
  shop.world.faults.redis.up()
  shop.world.faults.database.up()
  await shop.world.settled()
})
afterAll(() => shop.close())

const items = [{ sku: 'latte', quantity: 1 }]
const place = (fields: object = {}, { key = '', as = token } = {}) =>
  shop.call('POST', '/api/orders', {
    token: as,
    body: { items, prepay: true, ...fields },
    headers: key === '' ? {} : { 'idempotency-key': key },
  })
const placePriced = (fields: object = {}) =>
  shop.call('POST', '/api/orders', {
    token: shop.merchantKey,
    body: { openid: PAYER, totalFee: 100, body: '拿铁', prepay: true, ...fields },
  })
const PAYER = 'oOrderWithPayment00000000001'
const inside = (json: Json, name: string): Json => {
  const value = json[name]
  if (typeof value !== 'object' || value === null) throw new Error(`no ${name}`)
  return { ...value }
}
const numberIn = (json: Json) => textOf(inside(json, 'order'), 'outTradeNo')
const payWith = (json: Json) => shop.wechat.pay(toPayment(inside(json, 'payment'))).errMsg
const prepays = (about: string) => shop.calls('prepay', about).length
const newKey = () => crypto.randomUUID()

test('the order and the argument of wx.requestPayment come in one answer, and WeChat accepts the payment', async () => {
  const { status, json } = await place()
  expect([status, Object.keys(json)]).toEqual([201, ['order', 'payment']])
  expect(inside(json, 'order')).toMatchObject({ tradeState: 'NOTPAY', totalFee: 2_800 })
  expect(payWith(json)).toBe('requestPayment:ok')
  expect(await shop.query(token, numberIn(json))).toMatchObject({ tradeState: 'SUCCESS' })
})

test.each([{}, { prepay: false }])(
  'without it the answer is the order alone: %j',
  async (fields) => {
    const { status, json } = await shop.call('POST', '/api/orders', {
      token,
      body: { items, ...fields },
    })
    expect([status, json['payment'], textOf(json, 'outTradeNo')]).toEqual([
      201,
      undefined,
      expect.any(String),
    ])
    expect(prepays(textOf(json, 'outTradeNo'))).toBe(0)
  },
)

test.each([
  ['true', 'true or false, without quotation marks'],
  [1, 'true or false'],
  [null, 'true or false'],
])('it must be true or false, not %j, and no order is placed', async (prepay, expected) => {
  const before = await shop.sql('select count(*) from orders')
  const { status, json } = await place({ prepay })
  expect([status, json['code'], json['detail']]).toEqual([
    400,
    'invalid_request',
    `prepay: expected ${expected}`,
  ])
  expect(await shop.sql('select count(*) from orders')).toEqual(before)
})

test('a form may ask for it, too', async () => {
  const { status, json } = await shop.call('POST', '/api/orders', {
    token,
    body: `items=${encodeURIComponent(JSON.stringify(items))}&prepay=true`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect([status, payWith(json)]).toEqual([201, 'requestPayment:ok'])
})

describe('repeated under the same key', () => {
  test('the answer is the same order, and a payment of the same prepay_id', async () => {
    const key = newKey()
    const first = await place({}, { key })
    await shop.world.settled()
    const second = await place({}, { key })
    expect(second.status).toBe(201)
    expect(numberIn(second.json)).toBe(numberIn(first.json))
    const [one, other] = [inside(first.json, 'payment'), inside(second.json, 'payment')]
    expect(other['package']).toBe(one['package'])
    expect(prepays(numberIn(first.json))).toBe(1)
    expect(payWith(second.json)).toBe('requestPayment:ok')
  })

  test('five concurrent calls place one order, here and at WeChat', async () => {
    const key = newKey()
    const answers = await Promise.all(Array.from({ length: 5 }, () => place({}, { key })))
    expect(new Set(answers.map(({ json }) => numberIn(json))).size).toBe(1)
    const packages = answers.map(({ json }) => inside(json, 'payment')['package'])
    expect(new Set(packages).size).toBe(1)
    expect(prepays(numberIn(answers[0]?.json ?? {}))).toBe(1)
  })

  test('an order that was placed without a payment gets one, and the other way round', async () => {
    const key = newKey()
    const without = await place({ prepay: false }, { key })
    const { json } = await place({}, { key })
    expect(numberIn(json)).toBe(without.json['outTradeNo'])
    expect(payWith(json)).toBe('requestPayment:ok')
    const again = await place({ prepay: false }, { key })
    expect(again.json['outTradeNo']).toBe(numberIn(json))
  })

  test('with another basket it is a conflict, as without a payment', async () => {
    const key = newKey()
    await place({}, { key })
    const { status, json } = await place({ items: [{ sku: 'latte', quantity: 2 }] }, { key })
    expect([status, json['code']]).toEqual([409, 'order_conflict'])
  })

  test('a paid order has no payment, and says why', async () => {
    const key = newKey()
    const first = await place({}, { key })
    payWith(first.json)
    await shop.query(token, numberIn(first.json))
    const { status, json } = await place({}, { key })
    expect([status, json['payment'], inside(json, 'problem')['code']]).toEqual([
      201,
      null,
      'order_paid',
    ])
    expect(inside(json, 'order')['tradeState']).toBe('SUCCESS')
  })

  test('an expired order has no payment, and says why', async () => {
    const timeExpire = new Date(Date.now() + 6 * 60_000).toISOString()
    const order = { outTradeNo: newNumber(), timeExpire }
    await placePriced(order)
    shop.advance(10 * 60_000)
    const { status, json } = await placePriced(order)
    expect([status, json['payment'], inside(json, 'problem')['code']]).toEqual([
      200,
      null,
      'order_closed',
    ])
  })
})

const newNumber = () => crypto.randomUUID().replaceAll('-', '')

describe('when WeChat', () => {
  test.each([
    ['does not answer', 'drop', 503, 'wechat_unknown', 2],
    ['fails', 'http-500', 503, 'wechat_unknown', 2],
    ['answers without a valid signature', 'unsigned', 502, 'wechat_untrusted', undefined],
  ] as const)(
    '%s, the order is there, and the payment is null with the problem of prepay',
    async (_what, fault, status, code, retryAfterSeconds) => {
      const key = newKey()
      const lines = listenToLog()
      shop.wechat.misbehave({ on: 'unifiedorder', do: fault })
      const answer = await place({}, { key })
      const prepaid = await shop.call('POST', '/api/prepay', {
        token,
        body: { outTradeNo: numberIn(answer.json) },
      })
      shop.wechat.clearFaults()
      expect([answer.status, answer.json['payment']]).toEqual([201, null])
      const problem = inside(answer.json, 'problem')
      expect(problem).toMatchObject({ status, code })
      expect(problem).toEqual({
        ...prepaid.json,
        requestId: answer.headers.get('x-request-id'),
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      })
      expect(lines.find((line) => line.includes('"prepay_failed"'))).toContain(
        `"order":"${numberIn(answer.json)}"`,
      )
      const again = await place({}, { key })
      expect(numberIn(again.json)).toBe(numberIn(answer.json))
      expect(payWith(again.json)).toBe('requestPayment:ok')
    },
  )
})

test.each([
  [new ConfigError('WECHAT_PAY_KEY', 'is not set'), 'not_configured', 0],
  [new Error('a bug'), 'internal_error', 1],
])(
  'an error after the order is stored, such as %s, does not hide the order',
  async (error, reason, bugs) => {
    const logBug = vi.fn<Deps['logBug']>()
    const { deps, edge } = thisInstance()
    const gateway = () => {
      throw error
    }
    const request = new Request(`${shop.world.url}/api/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ items, prepay: true }),
    })
    expect(await post(request, { ...deps, gateway, logBug }, edge)).toMatchObject({
      ok: true,
      value: {
        status: 201,
        body: { order: { tradeState: 'NOTPAY' }, payment: null },
        missing: { reason },
      },
    })
    expect(logBug).toHaveBeenCalledTimes(bugs)
  },
)

test('WeChat is asked only after the order is stored', async () => {
  shop.world.faults.database.loseAnswers()
  const { status, json } = await place()
  shop.world.faults.database.up()
  expect([status, json['code']]).toEqual([503, 'unavailable'])
  const stored = await shop.sql('select out_trade_no from orders order by id desc limit 1')
  expect(prepays(String(stored[0]?.['out_trade_no']))).toBe(0)
})

test('an order that is refused leaves no lock', async () => {
  const before = await shop.redis('KEYS', 'wxpay:prepay:*')
  const { status } = await place({ items: [{ sku: 'tea', quantity: 1 }] })
  await shop.world.settled()
  expect(status).toBe(400)
  expect(await shop.redis('KEYS', 'wxpay:prepay:*')).toEqual(before)
})

test('without Redis the answer is the same', async () => {
  shop.world.faults.redis.down()
  const { json } = await place()
  expect(payWith(json)).toBe('requestPayment:ok')
})

describe('the merchant', () => {
  test('gets the payment of its payer, under its own number', async () => {
    const outTradeNo = newNumber()
    const first = await placePriced({ outTradeNo })
    await shop.world.settled()
    const second = await placePriced({ outTradeNo })
    expect([first.status, second.status, numberIn(second.json)]).toEqual([201, 200, outTradeNo])
    expect(inside(second.json, 'payment')['package']).toBe(inside(first.json, 'payment')['package'])
    expect(inside(first.json, 'order')['openid']).toBe(PAYER)
    expect(shop.wechat.pay(toPayment(inside(first.json, 'payment')), PAYER).errMsg).toBe(
      'requestPayment:ok',
    )
  })

  test('does not lock another order by a number that conflicts', async () => {
    const outTradeNo = newNumber()
    await placePriced({ outTradeNo, prepay: false })
    const { status } = await placePriced({ outTradeNo, totalFee: 200 })
    await shop.world.settled()
    expect([status, await shop.redis('EXISTS', `wxpay:prepay:${outTradeNo}`)]).toEqual([409, 0])
  })
})

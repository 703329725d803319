import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import * as v from 'valibot'
import { inProtocol, signType } from '../support/mode.ts'
import { openShop, textOf, toPayment, type Answer, type Shop } from '../support/shop.ts'

const PAYER = 'oPayer0000000000000000000001'
const HOUR = 3_600_000

const redisText = v.object({ result: v.string() })

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  // The simulator sends no notification by itself; a test that needs one delivers it.
  await shop.wechat.stop()
})
beforeEach(async () => {
  token = await shop.logIn(PAYER)
  outTradeNo = await shop.placeOrder(token)
})
afterEach(async () => {
  shop.wechat.clearFaults()
  shop.world.faults.redis.up()
  shop.world.faults.database.up()
  await shop.world.settled()
})
afterAll(() => shop.close())

/** One prepay request, and the background work after its answer. */
const requestPrepay = async (number = outTradeNo): Promise<Answer> => {
  const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo: number } })
  await shop.world.settled()
  return answer
}
const outcome = ({ status, json }: Answer) => [status, json['code']]
const prepays = (number = outTradeNo) => shop.calls('prepay', number).map(({ request }) => request)
const withoutNonce = (xml: string) => xml.replaceAll(/<(nonce_str|sign)>.*?<\/\1>/g, '')
const redis = async (...command: string[]): Promise<unknown> => {
  const { env } = shop.world
  const headers = { authorization: `Bearer ${env['UPSTASH_REDIS_REST_TOKEN']}` }
  const response = await fetch(env['UPSTASH_REDIS_REST_URL'] ?? '', {
    method: 'POST',
    headers,
    body: JSON.stringify(command),
  })
  return response.json()
}
const cachedPrepay = () => redis('GET', `wxpay:prepay:${outTradeNo}`)
const emptyRedis = () => redis('DEL', `wxpay:prepay:${outTradeNo}`)
const sourceOf = (number: string) =>
  shop.sql('select source from payments where out_trade_no = $1', [number])

test('the answer is the argument of wx.requestPayment, and WeChat accepts the payment', async () => {
  const { status, json } = await requestPrepay()
  expect(status).toBe(200)
  expect(Object.keys(json)).toEqual([
    'appId',
    'timeStamp',
    'nonceStr',
    'package',
    'signType',
    'paySign',
  ])
  expect(json).toMatchObject({ appId: 'wx00000000demo0001', signType })
  expect(shop.wechat.pay(toPayment(json))).toEqual({ errMsg: 'requestPayment:ok' })
})

test('the merchant may prepay a payer’s order', async () => {
  expect(
    (await shop.call('POST', '/api/prepay', { token: shop.merchantKey, body: { outTradeNo } }))
      .status,
  ).toBe(200)
})

test('a second request signs the same prepay_id again and does not call WeChat', async () => {
  const first = await requestPrepay()
  shop.advance(60_000)
  const second = await requestPrepay()
  expect(prepays()).toHaveLength(1)
  expect(second.json['package']).toBe(first.json['package'])
  expect(Number(second.json['timeStamp']) - Number(first.json['timeStamp'])).toBe(60)
  expect(second.json['nonceStr']).not.toBe(first.json['nonceStr'])
  expect(shop.wechat.pay(toPayment(second.json))).toEqual({ errMsg: 'requestPayment:ok' })
})

// A Redis slower than one second counts as down, and then WeChat is called twice. On a machine that
// busy the test is retried.
test.each([
  ['immediately', 0],
  ['after a second', 1_000],
])(
  'ten concurrent requests place one order at WeChat, which answers %s',
  { retry: 2 },
  async (_name, ms) => {
    shop.wechat.misbehave({ on: 'unifiedorder', do: 'delay', ms })
    const answers = await Promise.all(Array.from({ length: 10 }, () => requestPrepay()))
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200, 200, 200, 200, 200, 200,
    ])
    expect(new Set(answers.map(({ json }) => json['package'])).size).toBe(1)
    expect(prepays()).toHaveLength(1)
  },
)

test('WeChat is not called again for 1 h 55 min; then it gets the same order', async () => {
  await requestPrepay()
  shop.advance(2 * HOUR - 5 * 60_000 - 1)
  await requestPrepay()
  expect(prepays()).toHaveLength(1)
  shop.advance(1)
  expect((await requestPrepay()).status).toBe(200)
  const [first = '', second = '', ...others] = prepays()
  expect(others).toEqual([])
  // Nonce and signature are new. In APIv3 they are in a header.
  expect(second === first).toBe(inProtocol({ v2: false, v3: true }))
  expect(withoutNonce(second)).toBe(withoutNonce(first))
})

test('an order that expires after a week is placed at WeChat again the next day, unchanged, and can be paid', async () => {
  const timeExpire = new Date(Date.now() + 160 * HOUR).toISOString()
  const body = {
    openid: PAYER,
    totalFee: 5000,
    body: '年夜饭',
    outTradeNo: 'week_order_0001',
    timeExpire,
  }
  await shop.call('POST', '/api/orders', { token: shop.merchantKey, body })
  await requestPrepay('week_order_0001')
  shop.advance(24 * HOUR)
  token = await shop.logIn(PAYER)
  const { json } = await requestPrepay('week_order_0001')
  const [first = '', second = ''] = prepays('week_order_0001').map(withoutNonce)
  expect([first.length > 300, second]).toEqual([true, first])
  expect(shop.wechat.pay(toPayment(json))).toEqual({ errMsg: 'requestPayment:ok' })
})

test('without Redis every request calls WeChat, and every answer is valid', async () => {
  shop.world.faults.redis.down()
  const [first, second] = [await requestPrepay(), await requestPrepay()]
  expect(prepays()).toHaveLength(2)
  expect([first.status, second.json['package']]).toEqual([200, first.json['package']])
  expect(shop.wechat.pay(toPayment(second.json))).toEqual({ errMsg: 'requestPayment:ok' })
})

test('ten concurrent requests without Redis place one order at WeChat', async () => {
  shop.world.faults.redis.down()
  const answers = await Promise.all(Array.from({ length: 10 }, () => requestPrepay()))
  expect(
    new Set(answers.map(({ status, json }) => `${status} ${textOf(json, 'package')}`)).size,
  ).toBe(1)
  expect(shop.wechat.orders().filter((order) => order.outTradeNo === outTradeNo)).toHaveLength(1)
})

test('prepay works after Redis was emptied', async () => {
  const first = await requestPrepay()
  await emptyRedis()
  expect((await requestPrepay()).json['package']).toBe(first.json['package'])
  expect(prepays()).toHaveLength(2)
})

const invalidEntries: readonly (readonly [string, (key: string) => Promise<unknown>])[] = [
  ['not JSON', (key) => redis('SET', key, 'nonsense')],
  ['empty', (key) => redis('SET', key, '')],
  ['of another shape', (key) => redis('SET', key, '{"prepayId":5}')],
  [
    'for other order content',
    (key) => redis('SET', key, `{"prepayId":"wx_evil","key":"other","madeAt":${Date.now()}}`),
  ],
  ['a list', (key) => redis('RPUSH', key, 'nonsense')],
]
test.each(invalidEntries)(
  'a cache entry that is %s is ignored and replaced',
  async (_name, poison) => {
    await poison(`wxpay:prepay:${outTradeNo}`)
    const { json } = await requestPrepay()
    expect((await requestPrepay()).json['package']).toBe(json['package'])
    expect(prepays()).toHaveLength(1)
    expect(shop.wechat.pay(toPayment(json))).toEqual({ errMsg: 'requestPayment:ok' })
  },
)

test('a cache entry of another order is not used for this one', async () => {
  const other = await shop.placeOrder(token)
  const { json } = await requestPrepay(other)
  await redis('COPY', `wxpay:prepay:${other}`, `wxpay:prepay:${outTradeNo}`)
  expect(await cachedPrepay()).toMatchObject({ result: expect.stringContaining('prepayId') })
  expect((await requestPrepay()).json['package']).not.toBe(json['package'])
})

test.each([
  ['50 seconds later is used, because clocks differ', 50_000, 1],
  ['two minutes later is not used, because its age is unknown', 120_000, 2],
])('a cached prepay_id that was made %s', async (_, ahead, calls) => {
  await requestPrepay()
  const { result } = v.parse(redisText, await cachedPrepay())
  const entry = v.parse(
    v.pipe(v.string(), v.parseJson(), v.looseObject({ madeAt: v.number() })),
    result,
  )
  const later = JSON.stringify({ ...entry, madeAt: entry.madeAt + ahead })
  await redis('SET', `wxpay:prepay:${outTradeNo}`, later)
  expect((await requestPrepay()).status).toBe(200)
  expect(prepays()).toHaveLength(calls)
})

test('a paid order cannot be paid again', async () => {
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  expect(outcome(await requestPrepay())).toEqual([409, 'order_paid'])
})

test('prepay of an order that was paid without a notification settles it', async () => {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  await shop.world.settled()
  await emptyRedis()
  expect(outcome(await requestPrepay())).toEqual([409, 'order_paid'])
  expect(await sourceOf(outTradeNo)).toEqual([{ source: 'prepay' }])
  expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
})

test('a closed order cannot be paid', async () => {
  await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  expect(outcome(await requestPrepay())).toEqual([409, 'order_closed'])
  expect(prepays()).toEqual([])
})

test('an order can be paid until it expires', async () => {
  shop.advance(2 * HOUR - 61_000)
  expect((await requestPrepay()).status).toBe(200)
  shop.advance(61_000)
  expect(outcome(await requestPrepay())).toEqual([409, 'order_closed'])
  expect(prepays()).toHaveLength(1)
})

test('an order that was paid in its last minute counts as paid after it has expired', async () => {
  const { json } = await requestPrepay()
  shop.advance(2 * HOUR - 60_000)
  expect(shop.wechat.pay(toPayment(json))).toEqual({ errMsg: 'requestPayment:ok' })
  shop.advance(60_000)
  expect(outcome(await requestPrepay())).toEqual([409, 'order_paid'])
  expect(await sourceOf(outTradeNo)).toEqual([{ source: 'prepay' }])
})

test('without the database prepay signs nothing', async () => {
  await requestPrepay()
  shop.world.faults.database.down()
  expect(outcome(await requestPrepay())).toEqual([503, 'unavailable'])
})

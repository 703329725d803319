/** Prepay when WeChat refuses, fails, lies or stays silent. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openShop, toPayment, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
beforeEach(async () => {
  token = await shop.logIn()
  outTradeNo = await shop.placeOrder(token)
})
afterEach(async () => {
  shop.wechat.clearFaults()
  await shop.world.settled()
})
afterAll(() => shop.close())

/** One tap on "pay", and what runs behind its answer. */
const tap = async (): Promise<Answer> => {
  const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  await shop.world.settled()
  return answer
}
const outcome = ({ status, json }: Answer) => [status, json['code']]
const asked = () =>
  shop.wechat.wire.filter(
    ({ direction, url, request }) =>
      direction === 'in' && url.includes('/pay/unifiedorder') && request.includes(outTradeNo),
  ).length
const inRedis = async (key: string): Promise<unknown> => {
  const { env } = shop.world
  const headers = { authorization: `Bearer ${env['UPSTASH_REDIS_REST_TOKEN']}` }
  const response = await fetch(env['UPSTASH_REDIS_REST_URL'] ?? '', {
    method: 'POST',
    headers,
    body: JSON.stringify(['EXISTS', key]),
  })
  return response.json()
}
const refuse = (errCode: string, times?: number) =>
  shop.wechat.misbehave({
    on: 'unifiedorder',
    do: 'err-code',
    errCode,
    ...(times === undefined ? {} : { times }),
  })

test.each([
  ['OUT_TRADE_NO_USED', 502, 'wechat_refused'],
  ['INVALID_REQUEST', 502, 'wechat_refused'],
  ['A_CODE_OF_TOMORROW', 502, 'wechat_refused'],
  ['SIGNERROR', 502, 'wechat_misconfigured'],
  ['NOAUTH', 502, 'wechat_misconfigured'],
  ['PARAM_ERROR', 502, 'wechat_misconfigured'],
  ['FREQUENCY_LIMITED', 503, 'wechat_busy'],
  ['ORDERCLOSED', 409, 'order_closed'],
] as const)(
  'WeChat’s %s is answered %i %s, and WeChat is not asked twice',
  async (errCode, status, code) => {
    refuse(errCode)
    expect(outcome(await tap())).toEqual([status, code])
    expect(asked()).toBe(1)
  },
)

test('a refusal tells the merchant’s person what to mend, and where', async () => {
  refuse('SIGNERROR')
  expect((await tap()).json['detail']).toMatch(/SIGNERROR.*WECHAT_PAY_KEY.*compare/)
})

test.each(['FREQUENCY_LIMITED', 'NOAUTH', 'INVALID_REQUEST', 'A_CODE_OF_TOMORROW'])(
  'after %s the order can still be paid',
  async (errCode) => {
    refuse(errCode, 1)
    await tap()
    expect(shop.wechat.pay(toPayment((await tap()).json))).toEqual({ errMsg: 'requestPayment:ok' })
  },
)

test('a system error at WeChat, once, is asked again and the payer notices nothing', async () => {
  refuse('SYSTEMERROR', 1)
  const answer = await tap()
  expect([answer.status, asked()]).toEqual([200, 2])
})

test('a system error at WeChat, for ever, is asked twice and then 503', async () => {
  refuse('SYSTEMERROR')
  const answer = await tap()
  expect([...outcome(answer), answer.headers.get('retry-after'), asked()]).toEqual([
    503,
    'wechat_unknown',
    '2',
    2,
  ])
})

test.each([
  'wrong-key',
  'unsigned',
  'wrong-appid',
  'wrong-mch-id',
  'tamper',
  'garble',
  'html',
] as const)(
  'an answer that is not WeChat’s (%s) is 502, and nothing of it is kept',
  async (fault) => {
    shop.wechat.misbehave({ on: 'unifiedorder', times: 1, do: fault })
    const answer = await tap()
    expect([...outcome(answer), answer.json['package']]).toEqual([
      502,
      'wechat_untrusted',
      undefined,
    ])
    expect(await inRedis(`wxpay:prepay:${outTradeNo}`)).toEqual({ result: 0 })
    expect(shop.wechat.pay(toPayment((await tap()).json))).toEqual({ errMsg: 'requestPayment:ok' })
  },
)

test.each(['lose-answer', 'drop', 'http-500'] as const)(
  'an answer that stays out (%s) is 503, and asking again is safe',
  async (fault) => {
    shop.wechat.misbehave({ on: 'unifiedorder', times: 1, do: fault })
    expect(outcome(await tap())).toEqual([503, 'wechat_unknown'])
    expect(shop.wechat.pay(toPayment((await tap()).json))).toEqual({ errMsg: 'requestPayment:ok' })
    expect(shop.wechat.orders().filter((order) => order.outTradeNo === outTradeNo)).toHaveLength(1)
  },
)

test('a tap that failed gives its turn up, so the next one does not wait', async () => {
  shop.wechat.misbehave({ on: 'unifiedorder', times: 1, do: 'drop' })
  await tap()
  expect(await inRedis(`wxpay:placing:${outTradeNo}`)).toEqual({ result: 0 })
  const before = shop.world.faults.redis.count()
  expect((await tap()).status).toBe(200)
  // Looked once, kept the prepay_id and gave the turn up in one, was counted: a tap that waits looks more than once.
  expect(shop.world.faults.redis.count() - before).toBe(3)
})

test('a tap on somebody else’s order takes no turn away', async () => {
  const stranger = await shop.logIn()
  expect(
    (await shop.call('POST', '/api/prepay', { token: stranger, body: { outTradeNo } })).status,
  ).toBe(404)
  await shop.world.settled()
  expect(await inRedis(`wxpay:placing:${outTradeNo}`)).toEqual({ result: 0 })
})

test('an order already paid is found so even when WeChat hides behind a system error first', async () => {
  await shop.pay(token, outTradeNo)
  await shop.world.settled()
  shop.advance(115 * 60_000)
  refuse('SYSTEMERROR', 1)
  expect(outcome(await tap())).toEqual([409, 'order_paid'])
})

test('a paid order whose query stays out is neither signed for nor called unpaid', async () => {
  await shop.pay(token, outTradeNo)
  await shop.world.settled()
  shop.advance(115 * 60_000)
  shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  expect(outcome(await tap())).toEqual([503, 'wechat_unknown'])
  expect(
    await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]),
  ).toEqual([{ trade_state: 'NOTPAY' }])
})

test(
  'two taps at a WeChat that stalls are both given up within eight seconds',
  { timeout: 8_000 },
  async () => {
    shop.wechat.misbehave({ on: 'unifiedorder', do: 'stall' })
    const answers = await Promise.all([tap(), tap()])
    expect(answers.map(outcome)).toEqual([
      [503, 'wechat_unknown'],
      [503, 'wechat_unknown'],
    ])
  },
)

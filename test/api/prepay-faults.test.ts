/** Prepay when WeChat refuses, fails, sends unusable answers or does not answer. */
import { expect, test } from 'vitest'
import { inProtocol } from '../support/mode.ts'
import {
  openPrepayingShop,
  outcome,
  outTradeNo,
  prepays,
  refuse,
  requestPrepay,
  shop,
  token,
} from '../support/prepaying.ts'
import { toPayment } from '../support/shop.ts'

openPrepayingShop()

test.each<[errCode: string, status: number, code: string]>([
  ['OUT_TRADE_NO_USED', 502, 'wechat_refused'],
  ['INVALID_REQUEST', 502, 'wechat_refused'],
  ['PARAM_ERROR', 502, 'wechat_misconfigured'],
  ['FREQUENCY_LIMITED', 503, 'wechat_busy'],
  ...inProtocol<[string, number, string][]>({
    v2: [
      ['A_CODE_OF_TOMORROW', 502, 'wechat_refused'],
      ['SIGNERROR', 502, 'wechat_misconfigured'],
      ['NOAUTH', 502, 'wechat_misconfigured'],
      ['ORDERCLOSED', 409, 'order_closed'],
    ],
    v3: [
      ['A_CODE_OF_TOMORROW', 503, 'wechat_unknown'],
      ['SYSTEM_ERROR', 503, 'wechat_unknown'],
      ['SIGN_ERROR', 502, 'wechat_misconfigured'],
      ['NO_AUTH', 502, 'wechat_misconfigured'],
      ['RATELIMIT_EXCEEDED', 503, 'wechat_busy'],
      ['ORDER_CLOSED', 409, 'order_closed'],
    ],
  }),
])(
  'WeChat’s %s is answered with %i %s, and WeChat is called once',
  async (errCode, status, code) => {
    refuse(errCode)
    expect(outcome(await requestPrepay())).toEqual([status, code])
    expect(prepays()).toBe(1)
  },
)

test('a refusal names the setting that has to be corrected', async () => {
  refuse(inProtocol({ v2: 'SIGNERROR', v3: 'SIGN_ERROR' }))
  expect((await requestPrepay()).json['detail']).toMatch(
    inProtocol({ v2: /SIGNERROR.*WECHAT_PAY_KEY.*compare/, v3: /SIGN_ERROR.*WECHAT_PAY_CERT_KEY/ }),
  )
})

const NOT_ALLOWED = inProtocol({ v2: 'NOAUTH', v3: 'NO_AUTH' })
test.each(['FREQUENCY_LIMITED', NOT_ALLOWED, 'INVALID_REQUEST', 'A_CODE_OF_TOMORROW'])(
  'after %s the order can still be paid',
  async (errCode) => {
    refuse(errCode, 1)
    await requestPrepay()
    expect(shop.wechat.pay(toPayment((await requestPrepay()).json))).toEqual({
      errMsg: 'requestPayment:ok',
    })
  },
)

test.each([
  'wrong-key',
  'unsigned',
  // The answer of APIv3 names neither.
  ...inProtocol<readonly ('wrong-appid' | 'wrong-mch-id')[]>({
    v2: ['wrong-appid', 'wrong-mch-id'],
    v3: [],
  }),
  'tamper',
  'garble',
  'html',
] as const)(
  'an unusable answer in place of WeChat’s (%s) gives 502, and nothing of it is stored',
  async (fault) => {
    shop.wechat.misbehave({ on: 'unifiedorder', times: 1, do: fault })
    const answer = await requestPrepay()
    expect([...outcome(answer), answer.json['package']]).toEqual([
      502,
      'wechat_untrusted',
      undefined,
    ])
    expect(await shop.redis('EXISTS', `wxpay:prepay:${outTradeNo}`)).toBe(0)
    expect(shop.wechat.pay(toPayment((await requestPrepay()).json))).toEqual({
      errMsg: 'requestPayment:ok',
    })
  },
)

test.each(['lose-answer', 'drop', 'http-500'] as const)(
  'a lost answer (%s) gives 503, and a retry is safe',
  async (fault) => {
    shop.wechat.misbehave({ on: 'unifiedorder', do: fault })
    expect(outcome(await requestPrepay())).toEqual([503, 'wechat_unknown'])
    shop.wechat.clearFaults()
    expect(shop.wechat.pay(toPayment((await requestPrepay()).json))).toEqual({
      errMsg: 'requestPayment:ok',
    })
    expect(shop.wechat.orders().filter((order) => order.outTradeNo === outTradeNo)).toHaveLength(1)
  },
)

test('a failed request releases its lock, so the next one does not wait', async () => {
  shop.wechat.misbehave({ on: 'unifiedorder', do: 'drop' })
  await requestPrepay()
  shop.wechat.clearFaults()
  expect(await shop.redis('EXISTS', `wxpay:prepay:${outTradeNo}`)).toBe(0)
  const before = shop.world.faults.redis.count()
  expect((await requestPrepay()).status).toBe(200)
  // Three requests: one read, one that stores the prepay_id and releases the lock, and one for the
  // rate limit. A request that has to wait reads more than once.
  expect(shop.world.faults.redis.count() - before).toBe(3)
})

test('a request for another user’s order takes no lock', async () => {
  const stranger = await shop.logIn()
  expect(
    (await shop.call('POST', '/api/prepay', { token: stranger, body: { outTradeNo } })).status,
  ).toBe(404)
  await shop.world.settled()
  expect(await shop.redis('EXISTS', `wxpay:prepay:${outTradeNo}`)).toBe(0)
})

test('when the query of a paid order gets no answer, the order is neither signed again nor called unpaid', async () => {
  await shop.pay(token, outTradeNo)
  await shop.world.settled()
  shop.advance(115 * 60_000)
  shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  expect(outcome(await requestPrepay())).toEqual([503, 'wechat_unknown'])
  expect(
    await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]),
  ).toEqual([{ trade_state: 'NOTPAY' }])
})

test('two concurrent requests both have an unknown outcome when WeChat stalls', async () => {
  shop.wechat.misbehave({ on: 'unifiedorder', do: 'stall' })
  const answers = await Promise.all([requestPrepay(), requestPrepay()])
  expect(answers.map(outcome)).toEqual([
    [503, 'wechat_unknown'],
    [503, 'wechat_unknown'],
  ])
})

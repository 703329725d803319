import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { accessToken } from '../../lib/steps/access-token.ts'
import { createInstance } from '../../lib/composition.ts'
import { openShop, textOf, type Answer, type Sale, type Shop } from '../support/shop.ts'

const APPID = 'wx00000000demo0001'
const KEPT = `wxpay:access-token:${APPID}`

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
const forgetToken = () => shop.redis('DEL', KEPT)
beforeEach(forgetToken)
afterEach(() => {
  shop.world.faults.redis.up()
  shop.wechat.clearFaults()
})
afterAll(() => shop.close())

const ship = ({ outTradeNo }: Sale): Promise<Answer> =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: '会员卡' }] },
  })

/** The work after an answer asks WeChat about earlier shipments, and fetches a token for it. */
async function sell(count: number): Promise<readonly Sale[]> {
  const sales = await Promise.all(Array.from({ length: count }, () => shop.sell()))
  await forgetToken()
  return sales
}
const fetches = () => shop.countCalls('/cgi-bin/stable_token')
const states = (answers: readonly Answer[]) => answers.map(({ json }) => json['shippingState'])
const uploads = (sales: readonly Sale[]) =>
  sales.map(({ transactionId }) => shop.uploads(transactionId).length)

/** Every token that WeChat has issued. */
const tokens = () =>
  shop.wechat.messageLog.flatMap(({ url, response }) =>
    url.includes('/cgi-bin/stable_token')
      ? (/"access_token":"([^"]+)"/.exec(response ?? '')?.slice(1) ?? [])
      : [],
  )

test('twelve shipments, concurrent and consecutive, need one access token', async () => {
  const sales = await sell(12)
  const before = fetches()
  const answers = await Promise.all(sales.slice(0, 6).map(ship))
  for (const sale of sales.slice(6)) answers.push(await ship(sale))
  expect(states(answers)).toEqual(Array(12).fill('UPLOADED'))
  expect(fetches() - before).toBe(1)
})

test('twenty instances that start at the same time fetch one token and share it', async () => {
  const instances = Array.from({ length: 20 }, () => createInstance(shop.world.env).deps)
  const before = fetches()
  const got = await Promise.all(instances.map((deps) => accessToken(deps, APPID)))
  expect(new Set(got.map((one) => (one.ok ? one.value : 'none')))).toEqual(
    new Set([tokens().at(-1)]),
  )
  expect(fetches() - before).toBe(1)
})

test('the token is replaced five minutes before it expires', async () => {
  const [first, second] = await sell(2)
  if (first === undefined || second === undefined) throw new Error('no sale was made')
  shop.wechat.revokeToken()
  await ship(first)
  await shop.world.settled()
  const fullLife = Number(await shop.redis('PTTL', KEPT))
  expect(fullLife).toBeLessThanOrEqual(6_900_000)
  expect(fullLife).toBeGreaterThan(6_890_000)
  // An hour later WeChat still returns the same token.
  shop.advance(3_600_000)
  await shop.redis('DEL', KEPT)
  await ship(second)
  await shop.world.settled()
  const restOfLife = Number(await shop.redis('PTTL', KEPT))
  expect(restOfLife).toBeLessThanOrEqual(3_300_000)
  expect(restOfLife).toBeGreaterThan(3_290_000)
})

test.each(['down', 'stall', 'loseAnswers'] as const)(
  'shipments reach WeChat while Redis is unavailable (%s)',
  async (fault) => {
    const sales = await sell(2)
    shop.world.faults.redis[fault]()
    expect(states(await Promise.all(sales.map(ship)))).toEqual(['UPLOADED', 'UPLOADED'])
    // Let the background work end before the next test.
    if (fault === 'stall') shop.world.faults.redis.down()
    await shop.world.settled()
  },
)

test('an expired token is renewed once, even if WeChat refuses it for several concurrent shipments', async () => {
  const sales = await sell(7)
  const [warmUp, ...others] = sales
  if (warmUp === undefined) throw new Error('no sale was made')
  await ship(warmUp)
  await shop.world.settled()
  shop.wechat.revokeToken()
  const before = fetches()
  expect(states(await Promise.all(others.map(ship)))).toEqual(Array(6).fill('UPLOADED'))
  expect(fetches() - before).toBe(1)
  // A later shipment uses the new token.
  for (const count of uploads(others)) expect([1, 2]).toContain(count)
})

test.each([40001, 40014, 42001])(
  'a token refused with %i is renewed and the upload repeated within the same request',
  async (errcode) => {
    const [sale] = await sell(1)
    if (sale === undefined) throw new Error('no sale was made')
    shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode, times: 1 })
    const before = fetches()
    expect((await ship(sale)).json).toMatchObject({ shippingState: 'UPLOADED' })
    expect([uploads([sale]), fetches() - before]).toEqual([[2], 2])
  },
)

test.each([40001, 42001])(
  'a new token refused with %i is not fetched again immediately; the shipment is uploaded later',
  async (errcode) => {
    const [sale] = await sell(1)
    if (sale === undefined) throw new Error('no sale was made')
    shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode })
    const before = fetches()
    expect((await ship(sale)).json).toMatchObject({
      shippingState: 'PENDING',
      errCode: String(errcode),
    })
    expect([uploads([sale]), fetches() - before]).toEqual([[2], 2])
    shop.wechat.clearFaults()
    shop.advance(61_000)
    await shop.cron()
    expect(await shop.query(shop.merchantKey, sale.outTradeNo)).toMatchObject({
      shippingState: 'UPLOADED',
    })
  },
)

test('dropping a refused token does not drop a newer token that another instance has stored', async () => {
  const { cache } = createInstance(shop.world.env).deps
  await cache.accessTokens.keep(APPID, 'the-new-one', 60_000)
  await cache.accessTokens.forget(APPID, 'the-old-one')
  expect(await cache.accessTokens.find(APPID)).toEqual({ kept: 'the-new-one' })
  await cache.accessTokens.forget(APPID, 'the-new-one')
  expect(await cache.accessTokens.find(APPID)).toMatchObject({
    lock: { name: KEPT },
  })
})

test('an instance that dies while it fetches a token delays the others by a few seconds only', async () => {
  const [sale] = await sell(1)
  if (sale === undefined) throw new Error('no sale was made')
  await shop.redis('SET', KEPT, 'lock:a-dead-instance')
  expect(await ship(sale)).toMatchObject({ status: 200, json: { shippingState: 'UPLOADED' } })
  await forgetToken()
})

test.each([
  [-1, 503, 'wechat_busy', 'It is safe to retry'],
  [45009, 503, 'wechat_busy', 'It is safe to retry'],
  [44990, 503, 'wechat_busy', 'It is safe to retry'],
  [40125, 502, 'wechat_misconfigured', 'WECHAT_APP_SECRET'],
  [40013, 502, 'wechat_misconfigured', 'WECHAT_APPID'],
  [40164, 502, 'wechat_misconfigured', 'IP allow-list'],
] as const)(
  'when WeChat gives no token because of %i, the answer is %i %s and says: %s',
  async (errcode, status, code, help) => {
    const [sale] = await sell(1)
    if (sale === undefined) throw new Error('no sale was made')
    shop.wechat.misbehave({ on: 'stable_token', do: 'errcode', errcode, times: 1 })
    const answer = await ship(sale)
    expect(answer.json).toMatchObject({ status, code })
    expect(answer.json['detail']).toContain(help)
    expect(await shop.query(sale.token, sale.outTradeNo)).toMatchObject({
      shippingState: 'PENDING',
    })
  },
)

test('a token from a truncated answer is not used', async () => {
  const [sale] = await sell(1)
  if (sale === undefined) throw new Error('no sale was made')
  shop.wechat.misbehave({ on: 'stable_token', do: 'truncate', times: 1 })
  expect((await ship(sale)).json).toMatchObject({ status: 502, code: 'wechat_untrusted' })
  expect(uploads([sale])).toEqual([0])
  await shop.world.settled()
  expect(await shop.redis('GET', KEPT)).toBeNull()
})

test('no answer or log line contains a token or the AppSecret, after any failure', async () => {
  const logs = (['log', 'error', 'warn', 'info'] as const).map((name) => vi.spyOn(console, name))
  const sales = await sell(5)
  const answers: Answer[] = []
  for (const [index, fault] of (['drop', 'html', 'truncate', 'http-500'] as const).entries()) {
    shop.wechat.misbehave({ on: 'upload_shipping_info', do: fault, times: 1 })
    answers.push(...(await Promise.all(sales.slice(index, index + 1).map(ship))))
  }
  shop.wechat.revokeToken()
  answers.push(...(await Promise.all(sales.map(ship))))
  shop.world.faults.redis.down()
  shop.wechat.misbehave({ on: 'stable_token', do: 'errcode', errcode: 40125, times: 1 })
  answers.push(await ship(await shop.sell()))
  await shop.world.settled()
  const outputs = [
    ...answers.map(({ text, headers }) => text + JSON.stringify([...headers])),
    ...logs.flatMap((log) => log.mock.calls.map(String)),
  ]
  for (const log of logs) log.mockRestore()
  expect(outputs.length).toBeGreaterThan(10)
  expect(tokens().length).toBeGreaterThan(2)
  for (const secret of [...tokens(), textOf(shop.world.env, 'WECHAT_APP_SECRET')])
    expect(outputs.filter((line) => line.includes(secret))).toEqual([])
})

/** The phone number that a user gives by the button of the Mini Program. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { ACCESS_TOKEN, openShop, textOf, type Answer, type Shop } from '../support/shop.ts'
import { listenToLog } from '../steps/log-lines.ts'

const EXCHANGE = '/wxa/business/getuserphonenumber'

let shop: Shop
let users = 0
let openid: string
let token: string
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => {
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ phoneQuota: null, callsPerMinute: null })
  shop.world.faults.redis.up()
  shop.world.faults.database.up()
  vi.restoreAllMocks()
})
afterAll(() => shop.close())

/** A new user with a number of their own, who taps the button. */
async function newUser() {
  users += 1
  openid = `oPhone${String(users).padStart(22, '0')}`
  token = await shop.logIn(openid)
  return { phoneNumber: `1380000${String(users).padStart(4, '0')}` }
}
const tap = (phoneNumber: string, by = openid): string => {
  const detail = shop.wechat.tapPhoneButton(by, phoneNumber)
  if (!('code' in detail)) throw new Error(detail.errMsg)
  return detail.code
}
const logIn = (body: object, as?: string): Promise<Answer> =>
  shop.call('POST', '/api/login', { body, ...(as === undefined ? {} : { token: as }) })
const outcome = ({ status, json }: Answer) => [status, json['code'] ?? json['phoneNumber']]
const storedOf = async (of = openid) =>
  (await shop.sql('select phone_number from users where openid = $1', [of]))[0]?.['phone_number']

test('a user who is logged in gives the number, and keeps the token', async () => {
  const { phoneNumber } = await newUser()
  shop.advance(60_000)
  const { status, json } = await logIn({ phoneCode: tap(phoneNumber) }, token)
  expect([status, json['token'], json['phoneNumber']]).toEqual([200, token, phoneNumber])
  expect(json['expiresIn']).toBeLessThanOrEqual(86_340)
  expect(await storedOf()).toBe(phoneNumber)
})

test('a login can bring the number along, and is the same when it is repeated', async () => {
  const { phoneNumber } = await newUser()
  const body = { code: shop.wechat.issueCode(openid), phoneCode: tap(phoneNumber) }
  const first = await logIn(body)
  expect(first.json).toMatchObject({ expiresIn: 86_400, phoneNumber })
  shop.advance(60_000)
  expect((await logIn(body)).json).toEqual(first.json)
  expect(await shop.query(textOf(first.json, 'token'), 'no_such').catch(String)).toContain('404')
})

test('a number outside China has its country code', async () => {
  await newUser()
  expect(outcome(await logIn({ phoneCode: tap('+447700900123') }, token))).toEqual([
    200,
    '+447700900123',
  ])
})

test('a repeated request gets the stored number for five minutes, and later none', async () => {
  const { phoneNumber } = await newUser()
  const body = { phoneCode: tap(phoneNumber) }
  await logIn(body, token)
  shop.advance(299_000)
  expect(outcome(await logIn(body, token))).toEqual([200, phoneNumber])
  shop.advance(2_000)
  expect(outcome(await logIn(body, token))).toEqual([400, 'phone_code_invalid'])
})

test.each(['up', 'down'] as const)(
  'concurrent requests with one code get one number, with Redis %s',
  async (redis) => {
    const { phoneNumber } = await newUser()
    shop.world.faults.redis[redis]()
    const body = { phoneCode: tap(phoneNumber) }
    const answers = await Promise.all([logIn(body, token), logIn(body, token)])
    expect(answers.map(outcome)).toEqual([
      [200, phoneNumber],
      [200, phoneNumber],
    ])
  },
)

test('a code gives nothing to another user, used or not', async () => {
  const { phoneNumber } = await newUser()
  const [used, unused] = [tap(phoneNumber), tap(phoneNumber)]
  await logIn({ phoneCode: used }, token)
  await newUser()
  for (const phoneCode of [used, unused])
    expect(outcome(await logIn({ phoneCode }, token))).toEqual([400, 'phone_code_invalid'])
  expect(await storedOf()).toBeNull()
})

test.each([
  ['a code that WeChat did not issue', () => 'unknown'],
  ['a code of wx.login', () => shop.wechat.issueCode(openid)],
  [
    'a code that is five minutes old',
    () => {
      const code = tap('13900000000')
      shop.advance(300_000)
      return code
    },
  ],
])('%s is refused, and the token stays valid', async (_, make) => {
  await newUser()
  expect(outcome(await logIn({ phoneCode: make() }, token))).toEqual([400, 'phone_code_invalid'])
  expect((await shop.call('GET', '/api/login', { token })).status).toBe(200)
})

test.each([
  ['no token', () => undefined, 401, 'not_signed_in'],
  ['a forged token', () => `${token}x`, 401, 'not_signed_in'],
  ['the merchant’s key', () => shop.merchantKey, 403, 'wrong_token'],
])('%s gets no number, and WeChat is not asked', async (_, as, status, code) => {
  await newUser()
  const before = shop.countCalls(EXCHANGE)
  expect(outcome(await logIn({ phoneCode: tap('13900000000') }, as()))).toEqual([status, code])
  expect(shop.countCalls(EXCHANGE)).toBe(before)
})

test('an access token that WeChat refuses is renewed once, and the code is still good', async () => {
  const { phoneNumber } = await newUser()
  await logIn({ phoneCode: tap(phoneNumber) }, token)
  shop.wechat.revokeToken()
  expect(outcome(await logIn({ phoneCode: tap(phoneNumber) }, token))).toEqual([200, phoneNumber])
})

test('an access token that WeChat refuses twice is not renewed again', async () => {
  await newUser()
  shop.wechat.misbehave({ on: 'getuserphonenumber', do: 'errcode', errcode: 42001 })
  const before = shop.countCalls(EXCHANGE)
  expect(outcome(await logIn({ phoneCode: 'x' }, token))).toEqual([502, 'wechat_refused'])
  expect(shop.countCalls(EXCHANGE) - before).toBe(2)
  await shop.redis('DEL', ACCESS_TOKEN)
})

test.each([
  [-1, 503, 'wechat_busy'],
  [45009, 503, 'wechat_busy'],
  [45011, 429, 'too_many_requests'],
  [40029, 400, 'phone_code_invalid'],
  [40013, 502, 'wechat_misconfigured'],
  [48001, 502, 'wechat_misconfigured'],
  [99999, 502, 'wechat_refused'],
])('WeChat’s code %i gives %i %s, and no number is stored', async (errcode, status, code) => {
  await newUser()
  shop.wechat.misbehave({ on: 'getuserphonenumber', do: 'errcode', errcode })
  expect(outcome(await logIn({ phoneCode: tap('13900000000') }, token))).toEqual([status, code])
  expect(await storedOf()).toBeNull()
})

test('a call too many in a minute is refused for now, and the code is good a minute later', async () => {
  const { phoneNumber } = await newUser()
  const phoneCode = tap(phoneNumber)
  shop.wechat.changeSettings({ callsPerMinute: 0 })
  const refused = await logIn({ phoneCode }, token)
  expect([...outcome(refused), refused.headers.get('retry-after')]).toEqual([
    429,
    'too_many_requests',
    '60',
  ])
  shop.wechat.changeSettings({ callsPerMinute: 1 })
  shop.advance(60_000)
  expect(outcome(await logIn({ phoneCode }, token))).toEqual([200, phoneNumber])
  expect(outcome(await logIn({ phoneCode: tap(phoneNumber) }, token))).toEqual([
    429,
    'too_many_requests',
  ])
})

test('a request that did not reach WeChat can be repeated with its code', async () => {
  const { phoneNumber } = await newUser()
  const phoneCode = tap(phoneNumber)
  shop.wechat.misbehave({ on: 'getuserphonenumber', times: 1, do: 'drop' })
  expect(outcome(await logIn({ phoneCode }, token))).toEqual([503, 'wechat_unknown'])
  expect(outcome(await logIn({ phoneCode }, token))).toEqual([200, phoneNumber])
})

test('when the quota is used up, the button gives no code', async () => {
  const { phoneNumber } = await newUser()
  shop.wechat.changeSettings({ phoneQuota: 1 })
  const phoneCode = tap(phoneNumber)
  expect(shop.wechat.tapPhoneButton(openid, phoneNumber)).toMatchObject({ errno: 1_400_001 })
  expect(outcome(await logIn({ phoneCode }, token))).toEqual([200, phoneNumber])
})

test('the merchant sees the number of the payer in a query and in lists, and the payer does not', async () => {
  const { phoneNumber } = await newUser()
  const outTradeNo = await shop.placeOrder(token)
  const read = async (as: string, path: string) =>
    JSON.stringify((await shop.call('GET', path, { token: as })).json)
  const paths = [`/api/query?outTradeNo=${outTradeNo}`, '/api/orders?limit=1']
  for (const path of paths) expect(await read(shop.merchantKey, path)).not.toContain('payerPhone')
  await logIn({ phoneCode: tap(phoneNumber) }, token)
  for (const path of [...paths, `/api/orders?openid=${openid}`])
    expect(await read(shop.merchantKey, path)).toContain(`"payerPhone":"${phoneNumber}"`)
  for (const path of paths) expect(await read(token, path)).not.toContain(phoneNumber)
})

test('no log line and no event contains the number or the code', async () => {
  const { phoneNumber } = await newUser()
  const lines = listenToLog()
  const phoneCode = tap(phoneNumber)
  await logIn({ phoneCode }, token)
  await logIn({ phoneCode: `${phoneCode}x` }, token)
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token: shop.merchantKey })
  const events = await shop.sql('select data::text from events where out_trade_no = $1', [
    outTradeNo,
  ])
  expect(lines.join('\n')).toContain('"function":"login"')
  const written = JSON.stringify([lines, events, shop.world.events])
  expect(written).not.toContain(phoneNumber)
  expect(written).not.toContain(phoneCode)
})

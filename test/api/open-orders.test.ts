/** The limit on unpaid orders of one payer (MAX_OPEN_ORDERS). */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openShop, textOf, toPayment, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
beforeEach(async () => {
  vi.stubEnv('MAX_OPEN_ORDERS', '3')
  token = await shop.logIn()
})
afterEach(() => shop.world.settled())
afterAll(() => shop.close())

const latte = { items: [{ sku: 'latte', quantity: 1 }] }
const place = (key?: string, as = token) =>
  shop.call('POST', '/api/orders', {
    token: as,
    body: latte,
    ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
  })
const outcome = ({ status, json }: Answer) => [status, json['code'] ?? json['tradeState']]
const REFUSED = [429, 'too_many_open_orders']
const placeThree = async () => {
  const numbers: string[] = []
  for (let count = 0; count < 3; count += 1)
    numbers.push(textOf((await place()).json, 'outTradeNo'))
  return numbers
}

test('an order beyond the limit is refused and not stored, and the answer says what to do', async () => {
  const before = await shop.sql('select count(*) from orders')
  await placeThree()
  const refused = await place()
  expect(outcome(refused)).toEqual(REFUSED)
  expect(refused.json['detail']).toBe(
    'You have 3 unpaid orders. Pay one of them, or close it: it counts until WeChat has closed it too, or until its timeExpire.',
  )
  expect(
    Number((await shop.sql('select count(*) from orders'))[0]?.['count']) -
      Number(before[0]?.['count']),
  ).toBe(3)
})

test('another payer is not affected', async () => {
  await placeThree()
  expect(outcome(await place(undefined, await shop.logIn()))).toEqual([201, 'NOTPAY'])
})

test('a paid order, an order that is also closed at WeChat and an expired order no longer count', async () => {
  const [paid = '', closed = ''] = await placeThree()
  await shop.prepay(token, closed)
  shop.advance(300_000)
  expect(shop.wechat.pay(toPayment(await shop.prepay(token, paid))).errMsg).toBe(
    'requestPayment:ok',
  )
  await shop.query(token, paid)
  expect(outcome(await place())).toEqual([201, 'NOTPAY'])
  expect(outcome(await place())).toEqual(REFUSED)
  await shop.call('POST', '/api/close', { token, body: { outTradeNo: closed } })
  expect(outcome(await place())).toEqual([201, 'NOTPAY'])
  expect(outcome(await place())).toEqual(REFUSED)
  shop.advance(2 * 3_600_000 + 1_000)
  await placeThree()
  expect(outcome(await place())).toEqual(REFUSED)
})

test('an order that is closed here but not at WeChat counts until it expires', async () => {
  for (const outTradeNo of await placeThree())
    await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  expect(outcome(await place())).toEqual(REFUSED)
  shop.advance(2 * 3_600_000 + 1_000)
  expect(outcome(await place())).toEqual([201, 'NOTPAY'])
})

test('a repeated request returns its order even when the limit is reached', async () => {
  const first = await place('the-same-key-as-before')
  expect([first.status, (await place()).status, (await place()).status]).toEqual([201, 201, 201])
  expect(outcome(await place())).toEqual(REFUSED)
  const again = await place('the-same-key-as-before')
  expect([again.status, again.json]).toEqual([201, first.json])
})

test('the merchant’s orders for a payer are not limited, and do not count against the payer’s limit', async () => {
  const openid = 'oManyOrders0000000000000001'
  token = await shop.logIn(openid)
  for (let count = 0; count < 5; count += 1) {
    const { status } = await shop.call('POST', '/api/orders', {
      token: shop.merchantKey,
      body: { openid, totalFee: 1, body: '茶' },
    })
    expect(status).toBe(201)
  }
  await placeThree()
  expect(outcome(await place())).toEqual(REFUSED)
})

test('concurrent requests exceed the limit at most by their own number', async () => {
  await placeThree()
  const answers = await Promise.all(Array.from({ length: 10 }, () => place()))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 429))
  shop.advance(2 * 3_600_000 + 1_000)
  await Promise.all(Array.from({ length: 10 }, () => place()))
  expect(outcome(await place())).toEqual(REFUSED)
})

/** The payer of an order is shown to the merchant and its webhook only. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, textOf, type Shop } from '../support/shop.ts'

const ALICE = 'oAlice0000000000000000000001'
const BOB = 'oBobby0000000000000000000002'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  token = await shop.logIn(ALICE)
  outTradeNo = await shop.placeOrder(token)
})
afterAll(() => shop.close())

const asMerchant = (method: string, path: string, body?: object) =>
  shop.call(method, path, { token: shop.merchantKey, ...(body === undefined ? {} : { body }) })

test('the merchant sees who placed an order, in a query, in a list, and when it is placed or closed', async () => {
  const priced = { openid: BOB, totalFee: 100, body: '茶', outTradeNo: 'who-paid-0001' }
  expect((await asMerchant('POST', '/api/orders', priced)).json).toMatchObject({ openid: BOB })
  expect((await asMerchant('GET', `/api/query?outTradeNo=${outTradeNo}`)).json).toMatchObject({
    openid: ALICE,
  })
  const { orders } = (await asMerchant('GET', '/api/orders')).json
  expect(orders).toMatchObject([{ openid: BOB }, { openid: ALICE }])
  const closed = await asMerchant('POST', '/api/close', { outTradeNo: 'who-paid-0001' })
  expect(closed.json).toMatchObject({ openid: BOB, tradeState: 'CLOSED' })
})

test('the payer’s own answers have no openid', async () => {
  const answers = [
    await shop.query(token, outTradeNo),
    (await shop.call('GET', '/api/orders', { token })).json,
  ]
  expect(JSON.stringify(answers)).not.toContain('openid')
})

test('the webhook learns who paid', async () => {
  const sold = await shop.sell()
  const body = shop.world.events.find((event) => event.body.includes(sold.outTradeNo))?.body ?? ''
  const paid: unknown = JSON.parse(body)
  const [row] = await shop.sql('select openid from orders where out_trade_no = $1', [
    sold.outTradeNo,
  ])
  expect(paid).toMatchObject({ type: 'order.paid', data: { openid: row?.['openid'] } })
})

test('a token tells whose it is and how long it is valid', async () => {
  const fresh = await shop.logIn(BOB)
  shop.advance(60_000)
  const { status, json } = await shop.call('GET', '/api/login', { token: fresh })
  expect([status, json['openid']]).toEqual([200, BOB])
  expect(json['expiresIn']).toBeLessThanOrEqual(86_340)
})

test.each([
  ['no token', () => undefined, 401, 'not_signed_in'],
  ['a forged token', () => `${token}x`, 401, 'not_signed_in'],
  ['the merchant’s key', () => shop.merchantKey, 403, 'wrong_token'],
])('%s tells nothing', async (_, given, status, code) => {
  const answer = await shop.call('GET', '/api/login', { token: given() })
  expect([answer.status, textOf(answer.json, 'code')]).toEqual([status, code])
})

test('an expired token tells nothing', async () => {
  const old = await shop.logIn(ALICE)
  shop.advance(86_400_000)
  expect((await shop.call('GET', '/api/login', { token: old })).status).toBe(401)
})

/** Orders by any number that a payer can show, by openid and by phone number. */
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openShop, textOf, type Sale, type Shop } from '../support/shop.ts'

const PAYER = 'oSearched0000000000000000001'
const PHONE = '13812345678'

let shop: Shop
let sale: Sale
let newer: string
let refundId: string
beforeAll(async () => {
  shop = await openShop()
  sale = await shop.sell()
  const body = { outTradeNo: sale.outTradeNo, outRefundNo: 'found@1', refundFee: 100 }
  const refund = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  refundId = textOf(refund.json, 'refundId')
  const token = await shop.logIn(PAYER)
  const older = await shop.placeOrder(token)
  newer = await shop.placeOrder(token)
  expect(older).not.toBe(newer)
  await shop.sql('update users set phone_number = $1 where openid = $2', [PHONE, PAYER])
})
afterAll(() => shop.close())

const search = (body: object) =>
  shop.call('POST', '/api/console/search', { token: shop.merchantKey, body })
const page = v.object({ orders: v.array(v.looseObject({ outTradeNo: v.string() })) })
const found = async (text: string) =>
  v.parse(page, (await search({ text })).json).orders.map((order) => order.outTradeNo)

test('an order is found by its own number and by those of its payment and refunds', async () => {
  const { outTradeNo, transactionId } = sale
  for (const text of [outTradeNo, transactionId, 'found@1', refundId, ` ${outTradeNo} `])
    expect([text, await found(text)]).toEqual([text, [outTradeNo]])
})

test.each([PAYER, PHONE, '+86 138-1234-5678', '138 1234 5678'])(
  'the orders of a payer are found by %s, newest first, page by page',
  async (text) => {
    const first = await search({ text, limit: 1 })
    expect(first.json).toMatchObject({ orders: [{ outTradeNo: newer, openid: PAYER }] })
    const next = await search({ text, limit: 1, cursor: first.json['nextCursor'] })
    expect(v.parse(page, next.json).orders).toHaveLength(1)
    expect(next.json).not.toHaveProperty('nextCursor')
    expect(next.json).not.toMatchObject({ orders: [{ outTradeNo: newer }] })
  },
)

test.each(['no_such_order', "x' or '1'='1", '%', PHONE.slice(0, -1), '<b>'])(
  'nothing is found by %s: the whole text must be the number',
  async (text) => {
    expect(await search({ text })).toMatchObject({ status: 200, json: { orders: [] } })
  },
)

test('a cursor continues only its own search', async () => {
  const { json } = await search({ text: PAYER, limit: 1 })
  expect(await search({ text: PHONE, limit: 1, cursor: json['nextCursor'] })).toMatchObject({
    status: 400,
    json: { code: 'invalid_request' },
  })
})

test.each([
  {},
  { text: '' },
  { text: 'x', limit: 101 },
  { text: 'x', limit: '5' },
  { text: 'a\nb' },
])('%j is refused', async (body) => {
  expect(await search(body)).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
})

test('the text is in no line of the log', async () => {
  const lines = vi.spyOn(console, 'log')
  await search({ text: PHONE })
  await shop.world.settled()
  expect(lines.mock.calls.filter((line) => JSON.stringify(line).includes(PHONE))).toEqual([])
  lines.mockRestore()
})

test('only the merchant may search', async () => {
  const token = await shop.logIn()
  for (const [key, code] of [
    [undefined, 'not_signed_in'],
    [token, 'wrong_token'],
    [shop.cronSecret, 'wrong_token'],
  ] as const) {
    const body = { text: PAYER }
    const answer = await shop.call('POST', '/api/console/search', { token: key, body })
    expect(answer.json['code']).toBe(code)
  }
})

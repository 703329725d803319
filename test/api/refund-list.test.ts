/** All refunds of an order, for the merchant and for its payer. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { requestRefund } from '../support/refunds.ts'
import { openShop, type Json, type Sale, type Shop } from '../support/shop.ts'

let shop: Shop
let sale: Sale
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(async () => {
  sale = await shop.sell()
})
afterAll(() => shop.close())

const list = (token: string | undefined, outTradeNo = sale.outTradeNo) =>
  shop.call('GET', `/api/refund?outTradeNo=${outTradeNo}`, { token })
const namesIn = (json: Json): unknown =>
  Array.isArray(json['refunds'])
    ? json['refunds'].map(({ outRefundNo, refundFee }: Json) => [outRefundNo, refundFee])
    : json

test('an order without refunds has an empty list', async () => {
  expect(await list(shop.merchantKey)).toMatchObject({ status: 200, json: { refunds: [] } })
})

test('merchant and payer see every refund of the order, oldest first', async () => {
  const [first, second] = [`${sale.outTradeNo}-1`, `${sale.outTradeNo}-2`]
  await requestRefund(shop, sale.outTradeNo, first, 100)
  shop.advance(1_000)
  await requestRefund(shop, sale.outTradeNo, second, 200)
  const expected = [
    [first, 100],
    [second, 200],
  ]
  expect(namesIn((await list(shop.merchantKey)).json)).toEqual(expected)
  expect(namesIn((await list(sale.token)).json)).toEqual(expected)
})

test('a refund that was made in the merchant console is among them, although nothing reported it', async () => {
  const { outRefundNo } = shop.wechat.refundInConsole(sale.outTradeNo, 300, 'unreported')
  expect(namesIn((await list(shop.merchantKey)).json)).toEqual([[outRefundNo, 300]])
})

test('a refund that was paid out is listed as paid out, although nothing reported it', async () => {
  const outRefundNo = `${sale.outTradeNo}-1`
  await requestRefund(shop, sale.outTradeNo, outRefundNo, 100)
  shop.advance(60_000)
  expect((await list(shop.merchantKey)).json['refunds']).toMatchObject([
    { outRefundNo, refundStatus: 'SUCCESS' },
  ])
})

test('another payer and a missing order get the same answer', async () => {
  const stranger = await shop.logIn()
  for (const answer of [await list(stranger), await list(shop.merchantKey, 'no-such-order')])
    expect([answer.status, answer.json['code']]).toEqual([404, 'order_not_found'])
})

test('a request names one of the two numbers', async () => {
  for (const query of ['', '?outRefundNo=R1&outTradeNo=T00001'])
    expect(
      (await shop.call('GET', `/api/refund${query}`, { token: shop.merchantKey })).json,
    ).toMatchObject({ code: 'invalid_request' })
})

test('if WeChat does not answer, the merchant is told so and nothing is left out silently', async () => {
  shop.wechat.misbehave({ on: 'refundquery', do: 'drop' })
  const answer = await list(shop.merchantKey)
  shop.wechat.clearFaults()
  expect([answer.status, answer.json['code']]).toEqual([503, 'wechat_unknown'])
})

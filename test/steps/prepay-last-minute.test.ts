import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

test('a first prepay in the last minute of an order answers order_closed, not wechat_misconfigured', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  shop.advance(2 * 3_600_000 - 59_000)
  const { status, json } = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  expect([status, json['code']]).toEqual([409, 'order_closed'])
})

test.each([
  ['five minutes before its end', 5 * 60_000, [409, 'order_closed']],
  ['long before its end', 3_600_000, [502, 'wechat_misconfigured']],
] as const)('an order whose fields WeChat refuses %s: %j', async (_, left, expected) => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  shop.advance(2 * 3_600_000 - left)
  shop.wechat.misbehave({ on: 'unifiedorder', do: 'err-code', errCode: 'PARAM_ERROR', times: 1 })
  const { status, json } = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  expect([status, json['code']]).toEqual(expected)
})

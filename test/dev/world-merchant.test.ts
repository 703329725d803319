/** `/world/ship` and `/world/refund`: the merchant's part, for a person who looks at the page. */
import { afterEach, expect, test, vi } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
const open = async (env: Record<string, string> = {}) => {
  vi.resetModules()
  shop = await openShop(env, { isWatched: true })
}
afterEach(() => shop.close())

test('an order is shipped and partly refunded', async () => {
  await open()
  const { outTradeNo, transactionId } = await shop.sell()
  const ship = await shop.call('POST', '/world/ship', { body: { outTradeNo } })
  expect([ship.status, ship.json]).toMatchObject([200, { outTradeNo }])
  await shop.world.settled()
  expect(shop.uploads(transactionId)).toHaveLength(1)
  const refund = await shop.call('POST', '/world/refund', { body: { outTradeNo, refundFee: 100 } })
  expect([refund.status, refund.json]).toMatchObject([
    200,
    { outTradeNo, refundFee: 100, refundStatus: 'PROCESSING' },
  ])
})

test('a refusal is passed on in the words of the function', async () => {
  await open()
  const { outTradeNo } = await shop.sell()
  const body = { outTradeNo, refundFee: 1_000_000 }
  expect(await shop.call('POST', '/world/refund', { body })).toMatchObject({
    status: 409,
    json: { error: expect.stringMatching(/refund/i) },
  })
})

test('beside a real WeChat nothing is shipped or refunded', async () => {
  await open({ WECHAT_API_URL: 'http://127.0.0.1:9' })
  const body = { outTradeNo: 'order-1' }
  expect(await shop.call('POST', '/world/ship', { body })).toMatchObject({
    status: 409,
    json: { error: 'a service is real, so use the console with the merchant key' },
  })
})

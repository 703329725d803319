/** A whole shop over APIv3: the functions, their stores and WeChat. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { demoV3Values } from '../../../dev/world/demo-values.ts'
import { openShop, type Shop } from '../../support/shop.ts'

const DAY_MS = 86_400_000
const { WECHAT_PAY_V3_KEY } = demoV3Values

let shop: Shop
afterEach(() => shop.close())

describe.each<[string, Record<string, string>]>([
  ['the WeChat Pay public key', { WECHAT_PAY_API: 'v3' }],
  ['platform certificates', { WECHAT_PAY_API: 'v3', WECHAT_PAY_V3_KEY }],
])('with %s', (_, env) => {
  test('an order is paid, refunded, and compared with the bill', async () => {
    // The functions keep their settings in modules, so each world loads them again.
    vi.resetModules()
    shop = await openShop(env)
    const { token, outTradeNo } = await shop.sell()
    expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
    expect(shop.wechat.orders()).toMatchObject([{ outTradeNo, signType: 'RSA' }])
    const refund = await shop.call('POST', '/api/refund', {
      token: shop.merchantKey,
      body: { outTradeNo, outRefundNo: 'R1', refundFee: 900 },
    })
    expect(refund.status).toBe(202)
    shop.advance(60_000)
    await shop.deliverNotifications()
    expect(await shop.query(token, outTradeNo)).toMatchObject({
      tradeState: 'REFUND',
      refundedFee: 900,
    })
    shop.advance(2 * DAY_MS)
    const cron = await shop.cron()
    expect(cron).toMatchObject({ reconciled: expect.any(Number) })
    expect(shop.world.events.filter(({ body }) => body.includes('payment.incident'))).toEqual([])
    expect(shop.wechat.notifications().map(({ acknowledged }) => acknowledged)).toEqual([
      true,
      true,
    ])
  }, 60_000)
})

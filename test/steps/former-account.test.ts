/**
 * Orders of an account that this deployment has no settings for any more, because WECHAT_MCH_ID or
 * WECHAT_APPID was changed. WeChat cannot be asked about them; everything else goes on.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { listenToLog } from './log-lines.ts'
import { paidOrder } from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000]

let shop: Shop
let lines: string[]
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())
beforeEach(() => {
  lines = listenToLog()
})
afterEach(() => vi.restoreAllMocks())

/** Makes these orders those of another account, as if the variable had been changed since. */
async function placeBeforeChange(
  column: 'mch_id' | 'appid',
  orders: readonly string[],
): Promise<void> {
  await shop.sql('alter table orders disable trigger orders_keep_account')
  const former = column === 'appid' ? 'wx0000000000former' : '1900000000'
  await shop.sql(`update orders set ${column} = $2 where out_trade_no = any($1)`, [orders, former])
  await shop.sql('alter table orders enable trigger orders_keep_account')
}
const linesOf = (event: string) => lines.filter((line) => line.includes(`"event":"${event}"`))
const typesOf = async (outTradeNo: string) =>
  (
    await shop.sql('select type from events where out_trade_no = $1 order by seq', [outTradeNo])
  ).map((row) => row['type'])
const times = (count: number) => Array.from({ length: count })

test('many open orders of a former merchant number do not keep cron from the other orders', async () => {
  const former = await Promise.all(times(20).map(async () => shop.placeOrder(await shop.logIn())))
  await placeBeforeChange('mch_id', former)
  shop.advance(MINUTE_MS)
  const ours = await shop.placeOrder(await shop.logIn())
  shop.advance(3 * HOUR_MS)
  expect(await shop.cron()).toMatchObject({ closed: 1 })
  expect(await shop.query(shop.merchantKey, ours)).toMatchObject({ tradeState: 'CLOSED' })
  expect(linesOf('order_not_finished')).toHaveLength(20)
})

test('a shipment of a former Mini Program is retried ever more rarely and given up after a week, and cron succeeds', async () => {
  const outTradeNo = await paidOrder(shop)
  await placeBeforeChange('appid', [outTradeNo])
  const body = { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: 'a latte' }] }
  const sent = await shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
  expect([sent.status, sent.json['code']]).toEqual([503, 'not_configured'])
  for (let hour = 0; hour < 8 * 24; hour += 6) {
    shop.advance(DAY_MS / 4)
    await shop.cron()
  }
  expect(linesOf('shipping_given_up')).toHaveLength(1)
  expect(await typesOf(outTradeNo)).toEqual(['order.paid', 'shipping.overdue', 'shipping.failed'])
})

test('a refund of a former merchant number is parked after a week, and the merchant is told', async () => {
  const outTradeNo = await paidOrder(shop)
  shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'NOTENOUGH', times: 1 })
  const refund = { outTradeNo, outRefundNo: `R-${outTradeNo}`, refundFee: 2_800 }
  await shop.call('POST', '/api/refund', { token: shop.merchantKey, body: refund })
  await placeBeforeChange('mch_id', [outTradeNo])
  for (let day = 0; day < 8; day += 1) {
    shop.advance(DAY_MS)
    await shop.cron()
  }
  expect(await typesOf(outTradeNo)).toEqual([
    'order.paid',
    'shipping.overdue',
    'refund.needs_attention',
  ])
  const again = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body: refund })
  expect([again.status, again.json['code']]).toEqual([503, 'not_configured'])
})

test.each(['query', 'prepay', 'close'])(
  '%s of an open order of a former merchant number answers not_configured, and changes nothing',
  async (step) => {
    const outTradeNo = await shop.placeOrder(await shop.logIn())
    await placeBeforeChange('mch_id', [outTradeNo])
    const answer =
      step === 'query'
        ? await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token: shop.merchantKey })
        : await shop.call('POST', `/api/${step}`, { token: shop.merchantKey, body: { outTradeNo } })
    expect([answer.status, answer.json['code']]).toEqual([503, 'not_configured'])
    expect(
      await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]),
    ).toEqual([{ trade_state: 'NOTPAY' }])
  },
)

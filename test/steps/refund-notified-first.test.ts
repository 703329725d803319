/**
 * A refund made in the merchant console of an APIv3 merchant, whose notification arrives while the
 * order is still unpaid here, because the payment's notification was lost.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createInstance } from '../../lib/composition.ts'
import { Unavailable } from '../../lib/core/failure.ts'
import { handleNotification } from '../../lib/steps/handle-notification.ts'
import { summariseRefunds } from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop({ WECHAT_PAY_API: 'v3' })
  // Without an APIv2 key, WeChat lists no refunds of an order.
  vi.stubEnv('WECHAT_PAY_KEY', '')
})
afterAll(async () => {
  await shop.close()
  vi.unstubAllEnvs()
})
afterEach(() => shop.wechat.clearFaults())

let order = ''
beforeEach(async () => {
  const token = await shop.logIn()
  order = await shop.placeOrder(token)
  await shop.pay(token, order)
  shop.wechat.misbehave({ on: 'notify', do: 'drop', times: 1 })
  await shop.deliverNotifications()
})
const ledger = () => summariseRefunds(shop, order)
async function refundInConsole(refundFee: number): Promise<void> {
  shop.wechat.refundInConsole(order, refundFee)
  shop.advance(3_000)
}
const isAcknowledged = () =>
  shop.wechat
    .notifications()
    .filter(({ outTradeNo }) => outTradeNo === order)
    .map(({ acknowledged }) => acknowledged)

test.each([2800, 1000])(
  'settles the order first, then its refund of %i fen, and the payment’s notification changes nothing',
  async (refundFee) => {
    await refundInConsole(refundFee)
    await shop.deliverNotifications()
    const settled = `REFUND ${refundFee}/${refundFee}: SUCCESS → refund.succeeded`
    expect([await ledger(), isAcknowledged()]).toEqual([settled, [false, true]])
    shop.advance(15_000)
    await shop.deliverNotifications()
    expect([await ledger(), isAcknowledged()]).toEqual([settled, [true, true]])
    const events = await shop.sql('select type from events where out_trade_no = $1 order by seq', [
      order,
    ])
    expect(events.map(({ type }) => type)).toEqual(['order.paid', 'refund.succeeded'])
  },
)

test('is refused while WeChat does not confirm the payment, and stored when WeChat notifies again', async () => {
  shop.wechat.misbehave({ on: 'orderquery', do: 'html' })
  await refundInConsole(1000)
  await shop.deliverNotifications()
  expect([await ledger(), isAcknowledged()]).toEqual(['NOTPAY 0/0:', [false, false]])
  shop.wechat.clearFaults()
  shop.advance(15_000)
  await shop.deliverNotifications()
  expect(await ledger()).toBe('REFUND 1000/1000: SUCCESS → refund.succeeded')
})

test('loses and repeats nothing if the instance ends after the order is settled', async () => {
  await refundInConsole(2800)
  shop.wechat.misbehave({ on: 'notify', do: 'lose-answer', times: 1 })
  shop.wechat.misbehave({ on: 'orderquery', do: 'html' })
  await shop.deliverNotifications()
  shop.wechat.clearFaults()
  const sent = shop.wechat.messageLog.findLast(({ direction }) => direction === 'out')
  const { deps } = createInstance(process.env)
  const refunds = {
    ...deps.refunds,
    adopt: () => Promise.reject(new Unavailable('database', null, 'no_answer')),
  }
  const message = {
    headers: new Headers(sent?.requestHeaders),
    query: new URLSearchParams(),
    bytes: Buffer.from(sent?.request ?? ''),
  }
  await expect(handleNotification({ ...deps, refunds }, message)).rejects.toThrow('database')
  expect(await ledger()).toBe('SUCCESS 0/0:')
  shop.advance(15_000)
  await shop.deliverNotifications()
  expect(await ledger()).toBe('REFUND 2800/2800: SUCCESS → refund.succeeded')
})

test('without any notification, is stored with its order once a bill has named it', async () => {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  shop.advance(86_400_000)
  shop.wechat.refundInConsole(order, 1000, 'unreported')
  const { status, json } = await shop.call('GET', `/api/query?outTradeNo=${order}`, {
    token: shop.merchantKey,
  })
  expect([status, json['code']]).toEqual([502, 'wechat_misconfigured'])
  expect(await ledger()).toBe('NOTPAY 0/0:')
  shop.advance(2 * 86_400_000)
  await shop.cron()
  expect(await ledger()).toMatch(/^REFUND 1000\/1000: SUCCESS →/)
})

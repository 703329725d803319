/** Orders that are not shipped in time: one event for each, a day before WeChat warns. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { thisInstance } from '../../lib/composition.ts'
import { refreshDueSettlements } from '../../lib/steps/refresh-settlement.ts'
import { ACCESS_TOKEN, openShop, type Sale, type Shop } from '../support/shop.ts'
import { listenToLog } from './log-lines.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ tradeManaged: true, shippableAfterMs: 0 })
  await shop.sql('delete from shipments')
  await shop.sql('delete from trade_management')
  // Orders of earlier tests are settled.
  await shop.sql('update orders set shipped_at = now(), settlement_due_at = null')
})
afterAll(() => shop.close())

const refresh = () => refreshDueSettlements(thisInstance().deps, 8)
const overdue = async ({ outTradeNo }: Sale) =>
  (
    await shop.sql(
      `select data from events where type = 'shipping.overdue' and out_trade_no = $1`,
      [outTradeNo],
    )
  ).map(({ data }) => data)
const mustShip = () =>
  shop.sql(
    `insert into trade_management values ('wx00000000demo0001', true, now() + interval '1 year')`,
  )
const ship = ({ outTradeNo }: Sale, more: Record<string, unknown> = {}) =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: {
      outTradeNo,
      logisticsType: 'express',
      items: [{ itemDesc: '咖啡豆', trackingNo: '1', expressCompany: 'ZTO' }],
      ...more,
    },
  })

test('an order that is not shipped 24 hours after its payment is told once, and waits in the list until it is', async () => {
  await mustShip()
  const sale = await shop.sell()
  shop.advance(24 * HOUR_MS - 60_000)
  await refresh()
  expect(await overdue(sale)).toEqual([])
  shop.advance(60_000)
  await Promise.all([refresh(), refresh(), refresh()])
  expect(await overdue(sale)).toEqual([await shop.query(shop.merchantKey, sale.outTradeNo)])
  const waiting = () => shop.call('GET', '/api/shipping', { token: shop.merchantKey })
  expect((await waiting()).json).toMatchObject({
    orders: [{ outTradeNo: sale.outTradeNo, overdueAt: expect.stringMatching(/\+08:00$/) }],
  })
  for (let days = 0; days < 3; days += 1) {
    shop.advance(DAY_MS)
    await refresh()
  }
  expect(await overdue(sale)).toHaveLength(1)
  await ship(sale)
  expect((await waiting()).json).toEqual({ orders: [] })
})

test('cron tells of it as well', async () => {
  await mustShip()
  const sale = await shop.sell()
  shop.advance(DAY_MS)
  await shop.cron()
  expect(await overdue(sale)).toHaveLength(1)
})

test('an order that was shipped in the console is not overdue', async () => {
  await mustShip()
  const sale = await shop.sell()
  await ship(sale)
  await shop.sql('delete from shipments')
  await shop.sql('update orders set shipped_at = null, settlement_due_at = null')
  shop.advance(DAY_MS)
  await refresh()
  expect(await overdue(sale)).toEqual([])
})

test('an order whose parcels are not all reported is overdue', async () => {
  const sale = await shop.sell()
  await ship(sale, { isAllDelivered: false })
  for (let hours = 0; hours < 30; hours += 1) {
    shop.advance(HOUR_MS)
    await refresh()
  }
  expect(await overdue(sale)).toHaveLength(1)
})

test('a shipment that WeChat does not accept is overdue, and so is one that it refused', async () => {
  const [busy, refused] = [await shop.sell(), await shop.sell()]
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 10060031, times: 1 })
  await ship(refused)
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 45009 })
  await ship(busy)
  shop.advance(DAY_MS)
  await refresh()
  expect([await overdue(busy), await overdue(refused)]).toMatchObject([[{}], [{}]])
})

test('an order that was refunded in full is not overdue', async () => {
  await mustShip()
  const sale = await shop.sell()
  shop.wechat.refundInConsole(sale.outTradeNo, 2800)
  shop.advance(DAY_MS)
  await refresh()
  expect(await overdue(sale)).toEqual([])
})

test('if WeChat does not answer, it is asked again, and 36 hours after the payment the order counts as overdue', async () => {
  await mustShip()
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'get_order', do: 'errcode', errcode: -1 })
  for (let hours = 0; hours < 36; hours += 1) {
    expect(await overdue(sale)).toEqual([])
    shop.advance(HOUR_MS)
    await refresh()
  }
  shop.advance(4 * HOUR_MS)
  await refresh()
  expect(await overdue(sale)).toHaveLength(1)
})

test('a shop that does not have to ship receives no event', async () => {
  const sale = await shop.sell()
  shop.advance(DAY_MS)
  await refresh()
  expect([await overdue(sale), shop.countCalls('/get_order') > 0]).toEqual([[], true])
})

test('a shop that has shipped before receives an event for an order that it forgets', async () => {
  const [shipped, forgotten] = [await shop.sell(), await shop.sell()]
  await ship(shipped)
  shop.advance(DAY_MS)
  await refresh()
  expect([await overdue(shipped), await overdue(forgotten)]).toMatchObject([[], [{}]])
})

test('orders of long ago are not told when a shop begins to ship', async () => {
  const old = await shop.sell()
  shop.advance(16 * DAY_MS)
  await mustShip()
  await refresh()
  expect(await overdue(old)).toEqual([])
})

const timesAsked = () => shop.countCalls('/is_trade_managed')

test('cron asks WeChat once a day whether the shop must ship, and logs that nothing is shipped', async () => {
  const log = listenToLog()
  const before = timesAsked()
  // The clock has moved ahead of a real Redis, which still has an expired token.
  await shop.redis('DEL', ACCESS_TOKEN)
  await shop.cron()
  await shop.cron()
  expect(timesAsked() - before).toBe(1)
  expect(log.filter((line) => line.includes('"nothing_shipped"'))).toHaveLength(1)
  shop.advance(DAY_MS + 1)
  await shop.redis('DEL', ACCESS_TOKEN)
  await shop.cron()
  expect(timesAsked() - before).toBe(2)
})

test.each([
  ['the money is not held', () => void shop.wechat.changeSettings({ tradeManaged: false })],
  ['shipments are automatic', () => void vi.stubEnv('WECHAT_AUTO_SHIPPING', 'self_pickup')],
  ['a shipment was reported', async () => void (await ship(await shop.sell()))],
])('nothing is logged if %s', async (_, arrange) => {
  await arrange()
  const log = listenToLog()
  await shop.cron()
  expect(log.filter((line) => line.includes('"nothing_shipped"'))).toEqual([])
})

test('if WeChat does not say whether the shop must ship, it is asked again an hour later', async () => {
  shop.wechat.misbehave({ on: 'is_trade_managed', do: 'http-500' })
  const before = timesAsked()
  expect((await shop.cron())['settled']).toBe(0)
  await shop.cron()
  expect(timesAsked() - before).toBe(1)
  shop.advance(HOUR_MS)
  await shop.cron()
  expect(timesAsked() - before).toBe(2)
})

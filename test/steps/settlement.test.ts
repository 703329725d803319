/** The money of a shipped order: WeChat is asked until it is confirmed and settled. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { thisInstance } from '../../lib/composition.ts'
import { parseOutTradeNo } from '../../lib/core/ids.ts'
import { refreshDueSettlements, refreshSettlement } from '../../lib/steps/refresh-settlement.ts'
import { must } from '../support/must.ts'
import { ACCESS_TOKEN, openShop, type Sale, type Shop } from '../support/shop.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(async () => {
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ shippableAfterMs: 0, autoConfirmMs: 10 * DAY_MS, settleMs: DAY_MS })
  await shop.sql('update orders set settlement_due_at = null')
})
afterAll(() => shop.close())

async function shipped(): Promise<Sale> {
  const sale = await shop.sell()
  const { status } = await shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: {
      outTradeNo: sale.outTradeNo,
      logisticsType: 'self_pickup',
      items: [{ itemDesc: '拿铁' }],
    },
  })
  expect(status).toBe(200)
  return sale
}
const refresh = ({ outTradeNo }: Sale) =>
  refreshSettlement(thisInstance().deps, must(parseOutTradeNo(outTradeNo)))
const orderOf = (sale: Sale) => shop.query(shop.merchantKey, sale.outTradeNo)
const settledEvents = async (sale: Sale) =>
  (
    await shop.sql(`select data from events where type = 'order.settled' and out_trade_no = $1`, [
      sale.outTradeNo,
    ])
  ).map(({ data }) => data)
const timesAsked = (sale: Sale) =>
  shop.wechat.messageLog.filter(
    ({ url, request }) => url.includes('/get_order') && request.includes(sale.transactionId),
  ).length

test('an order shows when the payer has the goods and when the money is released, and one event says so', async () => {
  const sale = await shipped()
  expect(await orderOf(sale)).not.toHaveProperty('confirmedAt')
  shop.wechat.confirmReceipt(sale.outTradeNo)
  shop.advance(HOUR_MS)
  await shop.cron()
  const confirmed = await orderOf(sale)
  expect(confirmed).toMatchObject({ confirmedAt: expect.stringMatching(/\+08:00$/) })
  expect(confirmed).not.toHaveProperty('settledAt')
  expect(await settledEvents(sale)).toEqual([])
  shop.advance(DAY_MS)
  await shop.cron()
  const settled = await orderOf(sale)
  expect(settled).toMatchObject({
    confirmedAt: confirmed['confirmedAt'],
    settledAt: expect.stringMatching(/\+08:00$/),
  })
  expect(await settledEvents(sale)).toEqual([settled])
})

test('WeChat confirms the receipt itself after some days', async () => {
  const sale = await shipped()
  for (let days = 0; days < 12; days += 1) {
    shop.advance(DAY_MS + 1)
    await refreshDueSettlements(thisInstance().deps, 8)
  }
  expect(await settledEvents(sale)).toMatchObject([{ outTradeNo: sale.outTradeNo }])
})

test('a settled order is never asked about again', async () => {
  const sale = await shipped()
  shop.wechat.confirmReceipt(sale.outTradeNo)
  shop.advance(DAY_MS)
  await shop.cron()
  const asked = timesAsked(sale)
  for (let days = 0; days < 5; days += 1) {
    shop.advance(DAY_MS + 1)
    await refreshDueSettlements(thisInstance().deps, 8)
  }
  expect(timesAsked(sale)).toBe(asked)
})

test('the pauses between two questions grow from an hour to a day, and end after 90 days', async () => {
  shop.wechat.changeSettings({ autoConfirmMs: 366 * DAY_MS })
  const sale = await shipped()
  const asked: number[] = []
  for (let hours = 1; hours <= 48; hours += 1) {
    const before = timesAsked(sale)
    shop.advance(HOUR_MS)
    await refreshDueSettlements(thisInstance().deps, 8)
    if (timesAsked(sale) > before) asked.push(hours)
  }
  expect(asked).toEqual([1, 2, 3, 4, 5, 7, 9, 12, 15, 19, 24, 30, 38, 48])
  shop.advance(91 * DAY_MS)
  await shop.cron()
  const last = timesAsked(sale)
  shop.advance(2 * DAY_MS)
  await shop.cron()
  expect(timesAsked(sale)).toBe(last)
})

test('ten answers at the same time send one event', async () => {
  const sale = await shipped()
  shop.wechat.confirmReceipt(sale.outTradeNo)
  shop.advance(DAY_MS)
  const refreshed = await Promise.all(Array.from({ length: 10 }, () => refresh(sale)))
  expect(refreshed.map((one) => one.ok && one.value.state)).toEqual(Array(10).fill('FINISHED'))
  expect(await settledEvents(sale)).toHaveLength(1)
})

test('an order that was shipped in the console is confirmed and settled as well', async () => {
  const sale = await shop.sell()
  const token = String(await shop.redis('GET', ACCESS_TOKEN))
  await shipInConsole(sale, token)
  expect(await refresh(sale)).toMatchObject({ ok: true, value: { state: 'SHIPPED' } })
  shop.wechat.confirmReceipt(sale.outTradeNo)
  shop.advance(DAY_MS)
  await shop.cron()
  expect(await settledEvents(sale)).toHaveLength(1)
})

test('a refunded order is not settled, and is not asked about again', async () => {
  const sale = await shipped()
  shop.wechat.refundInConsole(sale.outTradeNo, 2800)
  shop.advance(DAY_MS)
  await shop.cron()
  expect(await refresh(sale)).toMatchObject({ ok: true, value: { state: 'REFUNDED' } })
  const asked = timesAsked(sale)
  shop.advance(DAY_MS)
  await shop.cron()
  expect(timesAsked(sale)).toBe(asked)
  expect(await orderOf(sale)).not.toHaveProperty('settledAt')
})

test.each([
  ['does not answer', { do: 'drop' }],
  ['is busy', { do: 'errcode', errcode: -1 }],
  ['has no quota left', { do: 'errcode', errcode: 45009 }],
  ['answers with a page', { do: 'html' }],
] as const)('when WeChat %s, nothing changes, and it is asked later', async (_, fault) => {
  const sale = await shipped()
  shop.wechat.confirmReceipt(sale.outTradeNo)
  shop.advance(DAY_MS)
  shop.wechat.misbehave({ on: 'get_order', ...fault })
  expect(await refresh(sale)).toMatchObject({ ok: false })
  await shop.cron()
  expect(await orderOf(sale)).not.toHaveProperty('confirmedAt')
  shop.wechat.clearFaults()
  shop.advance(DAY_MS)
  await shop.cron()
  expect(await settledEvents(sale)).toHaveLength(1)
})

test('an access token that WeChat refuses is replaced once', async () => {
  const sale = await shipped()
  shop.wechat.revokeToken()
  expect(await refresh(sale)).toMatchObject({ ok: true, value: { state: 'SHIPPED' } })
})

test('a payment that order and shipping management does not know yet has no state', async () => {
  shop.wechat.changeSettings({ shippableAfterMs: HOUR_MS })
  expect(await refresh(await shop.sell())).toMatchObject({ ok: true, value: { state: null } })
})

test('an unpaid and an unknown order are not asked about', async () => {
  const outTradeNo = await shop.placeOrder(await shop.logIn())
  const ask = (number: string) =>
    refreshSettlement(thisInstance().deps, must(parseOutTradeNo(number)))
  expect(await ask(outTradeNo)).toEqual({ ok: false, error: { reason: 'order_not_paid' } })
  expect(await ask('no-such-order-1')).toEqual({ ok: false, error: { reason: 'order_not_found' } })
})

/** The console reports to WeChat without the functions. */
async function shipInConsole({ outTradeNo, transactionId }: Sale, token: string): Promise<void> {
  const order = shop.wechat.orders().find((known) => known.outTradeNo === outTradeNo)
  const answer = await fetch(
    `${shop.world.url}/wechat/wxa/sec/order/upload_shipping_info?access_token=${token}`,
    {
      method: 'POST',
      body: JSON.stringify({
        order_key: { order_number_type: 2, transaction_id: transactionId },
        logistics_type: 4,
        delivery_mode: 1,
        shipping_list: [{ item_desc: '拿铁' }],
        upload_time: new Date().toISOString(),
        payer: { openid: order?.openid },
      }),
    },
  )
  expect(await answer.json()).toMatchObject({ errcode: 0 })
}

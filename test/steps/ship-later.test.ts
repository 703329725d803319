/** WeChat is down, busy, or has not heard of the payment yet: it is told later, without anybody asking again. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { openShop, type Answer, type Sale, type Shop } from '../support/shop.ts'

const MINUTE_MS = 60_000

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => {
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ shippableAfterMs: 0 })
})
afterAll(() => shop.close())

const ship = ({ outTradeNo }: Sale): Promise<Answer> =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: '会员卡' }] },
  })

const stateOf = async (sale: Sale) => (await shop.query(sale.token, sale.outTradeNo))['shippingState']
const told = (sale: Sale) => shop.uploads(sale.transactionId).length
const isAtWechat = (sale: Sale) => shop.wechat.shipments().some(({ outTradeNo }) => outTradeNo === sale.outTradeNo)

test.each([
  ['does not answer', { do: 'drop' }],
  ['answers 500', { do: 'http-500' }],
  ['answers with a page', { do: 'html' }],
  ['breaks off in the middle', { do: 'truncate' }],
] as const)('when WeChat %s, the merchant learns that asking again is safe, and cron tells WeChat a minute later', async (_, fault) => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', ...fault })
  const answer = await ship(sale)
  expect([502, 503]).toContain(answer.status)
  expect(answer.json['detail']).toContain('Asking again is safe')
  expect(await stateOf(sale)).toBe('PENDING')
  shop.wechat.clearFaults()
  shop.advance(59_000)
  await shop.cron()
  expect(told(sale)).toBe(1)
  shop.advance(2_000)
  await shop.cron()
  expect(told(sale)).toBe(2)
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('when WeChat gives no access token, the shipment is kept and told once it does', async () => {
  const sale = await shop.sell()
  await shop.redis('DEL', 'wxpay:access-token')
  shop.wechat.misbehave({ on: 'stable_token', do: 'drop' })
  expect((await ship(sale)).json).toMatchObject({ status: 503, code: 'wechat_unknown' })
  expect(told(sale)).toBe(0)
  shop.wechat.clearFaults()
  shop.advance(MINUTE_MS + 1)
  await shop.cron()
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('a payment WeChat’s shipping does not know yet is told once it does', async () => {
  shop.wechat.changeSettings({ shippableAfterMs: 150_000 })
  const sale = await shop.sell()
  const answer = await ship(sale)
  expect(answer.status).toBe(200)
  expect(answer.json).toEqual({ outTradeNo: sale.outTradeNo, logisticsType: 'virtual', shippingState: 'PENDING', errCode: '10060001' })
  expect(await stateOf(sale)).toBe('PENDING')
  shop.advance(61_000)
  await shop.cron()
  expect([told(sale), isAtWechat(sale)]).toEqual([2, false])
  shop.advance(121_000)
  await shop.cron()
  expect([told(sale), isAtWechat(sale)]).toEqual([3, true])
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test.each([-1, 10060012, 10060019, 45009, 44990])('busy (%i) is no refusal: it is told again', async (errcode) => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode, times: 1 })
  expect((await ship(sale)).json).toMatchObject({ shippingState: 'PENDING', errCode: String(errcode) })
  shop.advance(MINUTE_MS + 1)
  await shop.cron()
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('the pauses grow for about a day; then a person must look, and the log says what for', async () => {
  const log = vi.spyOn(console, 'log')
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 10060001 })
  await ship(sale)
  for (const [index, seconds] of [60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200].entries()) {
    shop.advance((seconds - 1) * 1_000)
    await shop.cron()
    expect(told(sale), `before pause ${index} is over`).toBe(index + 1)
    shop.advance(1_500)
    await shop.cron()
    expect(told(sale), `after pause ${index}`).toBe(index + 2)
  }
  shop.wechat.clearFaults()
  shop.advance(10 * 86_400_000)
  await shop.cron()
  expect(told(sale)).toBe(10)
  expect((await shop.query(shop.merchantKey, sale.outTradeNo))['shippingState']).toBe('FAILED')
  const lines = log.mock.calls.map(String).filter((line) => line.includes(sale.outTradeNo) && line.includes('"10060001"'))
  log.mockRestore()
  expect(lines[0]).toContain('WeChat does not know the payment yet')
})

test('a parked shipment is told when the merchant ships it again', async () => {
  const sale = await shop.sell()
  await ship(sale)
  await shop.sql(`update shipments set shipping_state = 'FAILED', next_attempt_at = null where out_trade_no = $1`, [sale.outTradeNo])
  expect((await ship(sale)).json).toMatchObject({ shippingState: 'UPLOADED' })
})

test('two crons at once, and a third, tell WeChat once', async () => {
  const sales = [await shop.sell(), await shop.sell(), await shop.sell(), await shop.sell()]
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop' })
  await Promise.all(sales.map(ship))
  shop.wechat.clearFaults()
  shop.advance(MINUTE_MS + 1)
  await Promise.all([shop.cron(), shop.cron(), shop.cron()])
  expect(sales.map(told)).toEqual([2, 2, 2, 2])
  expect(await Promise.all(sales.map(stateOf))).toEqual(['UPLOADED', 'UPLOADED', 'UPLOADED', 'UPLOADED'])
})

test('cron keeps its hands off a shipment that is being told at this moment', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'delay', ms: 400, times: 1 })
  const shipping = ship(sale)
  await expect.poll(() => shop.sql('select 1 from shipments where out_trade_no = $1', [sale.outTradeNo])).toHaveLength(1)
  await shop.cron()
  expect((await shipping).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(told(sale)).toBe(1)
})

test('an instance that dies while telling leaves the shipment to the next cron', async () => {
  const sale = await shop.sell()
  await ship(sale)
  await shop.sql(`update shipments set shipping_state = 'PENDING', next_attempt_at = $2 where out_trade_no = $1`, [
    sale.outTradeNo,
    new Date(Date.now() + 30_000),
  ])
  await shop.cron()
  expect(told(sale)).toBe(1)
  shop.advance(31_000)
  await shop.cron()
  expect(told(sale)).toBe(2)
  expect(await stateOf(sale)).toBe('UPLOADED')
})

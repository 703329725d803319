/** Repeated, corrected and refused shipments. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openShop, type Answer, type Sale, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => shop.wechat.clearFaults())
afterAll(() => shop.close())

const box = (trackingNo: string) => ({ itemDesc: '咖啡豆 250g', trackingNo, expressCompany: 'ZTO' })

const ship = (sale: Sale, items: readonly unknown[], logisticsType = 'express'): Promise<Answer> =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: { outTradeNo: sale.outTradeNo, logisticsType, items },
  })

const atWechat = (sale: Sale) =>
  shop.wechat.shipments().find(({ outTradeNo }) => outTradeNo === sale.outTradeNo)
const stateOf = async (sale: Sale) =>
  (await shop.query(shop.merchantKey, sale.outTradeNo))['shippingState']

test('a repeated shipment gets the same answer, and is uploaded once', async () => {
  const sale = await shop.sell()
  const first = await ship(sale, [box('1001')])
  shop.advance(60_000)
  const second = await ship(sale, [box('1001')])
  expect(second.status).toBe(200)
  expect(second.json).toEqual(first.json)
  expect(shop.uploads(sale.transactionId)).toHaveLength(1)
})

test('ten concurrent requests for one shipment upload it once', async () => {
  const sale = await shop.sell()
  const answers = await Promise.all(Array.from({ length: 10 }, () => ship(sale, [box('1002')])))
  const states = answers.map(({ status, json }) => `${status} ${String(json['shippingState'])}`)
  expect(states).toContain('200 UPLOADED')
  // Another request reports it.
  expect(states.filter((one) => one !== '200 UPLOADED' && one !== '200 PENDING')).toEqual([])
  expect(await stateOf(sale)).toBe('UPLOADED')
  expect(shop.uploads(sale.transactionId)).toHaveLength(1)
  expect(atWechat(sale)).toMatchObject({ changed: false, parcels: [{ trackingNo: '1002' }] })
})

test('a tracking number can be corrected once, because WeChat allows one change, and the answer says so', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('1003')])
  shop.advance(1_000)
  expect((await ship(sale, [box('1004')])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(atWechat(sale)).toMatchObject({ changed: true, parcels: [{ trackingNo: '1004' }] })
  shop.advance(1_000)
  const third = await ship(sale, [box('1005')])
  expect(third.json).toMatchObject({
    status: 409,
    code: 'shipping_refused',
    detail: expect.stringMatching(
      /^WeChat answered 10060003 \(“支付单已使用重新发货机会, rid: [^”]+”\): the one change that WeChat allows after shipping is used up, and WeChat keeps the shipment that it has: GET \/api\/shipping shows it\.$/,
    ),
  })
  expect(atWechat(sale)).toMatchObject({ parcels: [{ trackingNo: '1004' }] })
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('a changed logistics type is uploaded', async () => {
  const sale = await shop.sell()
  await ship(sale, [{ itemDesc: '拿铁' }], 'self_pickup')
  shop.advance(1_000)
  expect((await ship(sale, [{ itemDesc: '拿铁' }], 'local_delivery')).json).toMatchObject({
    logisticsType: 'local_delivery',
    shippingState: 'UPLOADED',
  })
  expect(atWechat(sale)).toMatchObject({ logisticsType: 2, changed: true })
})

test('a corrected number of one of two boxes reaches WeChat, or the order does not say UPLOADED', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('1006'), box('1007')])
  shop.advance(1_000)
  await ship(sale, [box('1006'), box('1008')])
  const isThere = atWechat(sale)?.parcels.some(({ trackingNo }) => trackingNo === '1008')
  expect({ isThere, claimed: await stateOf(sale) }).not.toEqual({
    isThere: false,
    claimed: 'UPLOADED',
  })
})

test('a late answer to an older upload does not mark a corrected shipment as uploaded', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'delay', ms: 2_000, times: 1 })
  const late = ship(sale, [box('1009')])
  await expect.poll(() => atWechat(sale)?.parcels[0]?.trackingNo).toBe('1009')
  shop.advance(1_000)
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop', times: 1 })
  expect((await ship(sale, [box('1010')])).json).toMatchObject({ shippingState: 'PENDING' })
  await late
  await shop.world.settled()
  expect(await stateOf(sale)).toBe('PENDING')
  shop.advance(120_000)
  await shop.cron()
  expect(atWechat(sale)).toMatchObject({ parcels: [{ trackingNo: '1010' }] })
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('a shipment that WeChat refused can be corrected, and the order shows each state', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 10060004, times: 1 })
  expect((await ship(sale, [box('1011')])).json).toMatchObject({
    status: 409,
    code: 'shipping_refused',
  })
  expect(await stateOf(sale)).toBe('FAILED')
  expect((await ship(sale, [box('1012')])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('a refused shipment is uploaded again when the merchant repeats the request', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 48001, times: 1 })
  const refused = await ship(sale, [box('1013')])
  expect(refused.json).toMatchObject({ status: 409, code: 'shipping_refused' })
  expect(refused.json['detail']).toContain('switch it on in the Mini Program console')
  expect((await ship(sale, [box('1013')])).json).toEqual({
    outTradeNo: sale.outTradeNo,
    logisticsType: 'express',
    shippingState: 'UPLOADED',
    isAllDelivered: true,
  })
})

test('10060023 (nothing changed) counts as uploaded', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({
    on: 'upload_shipping_info',
    do: 'errcode',
    errcode: 10060023,
    times: 1,
  })
  expect((await ship(sale, [box('1014')])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('an upload whose answer was lost is found at WeChat, and uses no change', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'lose-answer', times: 1 })
  expect((await ship(sale, [box('1015')])).json).toMatchObject({
    status: 503,
    code: 'wechat_unknown',
  })
  expect(await stateOf(sale)).toBe('PENDING')
  // WeChat may still receive the report.
  expect((await ship(sale, [box('1015')])).json).toMatchObject({ shippingState: 'PENDING' })
  shop.advance(60_000)
  expect((await ship(sale, [box('1015')])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(atWechat(sale)).toMatchObject({ changed: false })
})

test('WeChat’s refusal to ship a fully refunded order is explained', async () => {
  const sale = await shop.sell()
  shop.wechat.refundInConsole(sale.outTradeNo, 2800)
  shop.advance(60_000)
  const answer = await ship(sale, [box('1016')])
  expect(answer.json).toMatchObject({ status: 409, code: 'shipping_refused' })
  expect(answer.json['detail']).toMatch(
    /10060004 \(“支付单处于不可发货的状态, .*”\): the order cannot be shipped in its present state/,
  )
})

/** Parcels of one order that leave at different times. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openShop, type Answer, type Sale, type Shop } from '../support/shop.ts'

const MINUTE_MS = 60_000

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => shop.wechat.clearFaults())
afterAll(() => shop.close())

const box = (trackingNo: string) => ({ itemDesc: '咖啡豆 250g', trackingNo, expressCompany: 'ZTO' })
const ship = (
  sale: Sale,
  numbers: readonly string[],
  more: Record<string, unknown> = {},
): Promise<Answer> =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: {
      outTradeNo: sale.outTradeNo,
      logisticsType: 'express',
      items: numbers.map(box),
      ...more,
    },
  })
const shipSome = (sale: Sale, ...numbers: readonly string[]) =>
  ship(sale, numbers, { isAllDelivered: false })
const atWechat = (sale: Sale) =>
  shop.wechat.shipments().find(({ outTradeNo }) => outTradeNo === sale.outTradeNo)
const numbersAt = (sale: Sale) => atWechat(sale)?.parcels.map(({ trackingNo }) => trackingNo)
const shippingState = async (sale: Sale) =>
  (await shop.query(shop.merchantKey, sale.outTradeNo))['shippingState']

test('parcels are added until one is the last, and WeChat counts the order as shipped only then', async () => {
  const sale = await shop.sell()
  const first = await shipSome(sale, 'A1')
  expect(first).toMatchObject({
    status: 200,
    json: { shippingState: 'UPLOADED', isAllDelivered: false },
  })
  expect(atWechat(sale)).toMatchObject({ deliveryMode: 2, finished: false, orderState: 1 })
  expect((await shipSome(sale, 'A2', 'A3')).json).toMatchObject({ isAllDelivered: false })
  const last = await ship(sale, ['A4'])
  expect(last.json).toMatchObject({ shippingState: 'UPLOADED', isAllDelivered: true })
  expect(numbersAt(sale)).toEqual(['A1', 'A2', 'A3', 'A4'])
  expect(atWechat(sale)).toMatchObject({ finished: true, changed: false, orderState: 2 })
})

test('each report names only the new parcels, and its time is later than the one before', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'B1')
  await shipSome(sale, 'B2')
  await ship(sale, ['B3'])
  const uploads = shop.uploads(sale.transactionId)
  expect(
    uploads.map(({ shipping_list, is_all_delivered }) => [
      JSON.stringify(shipping_list).match(/B\d/g),
      is_all_delivered,
    ]),
  ).toEqual([
    [['B1'], false],
    [['B2'], false],
    [['B3'], true],
  ])
  const times = uploads.map(({ upload_time }) => Date.parse(String(upload_time)))
  expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0))).toBe(true)
})

test('an earlier request that is repeated does not undo the last one, which WeChat did not take yet', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'L1')
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'lose-answer', times: 1 })
  expect((await shipSome(sale, 'L2')).status).toBe(503)
  shop.advance(MINUTE_MS)
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 45011, times: 1 })
  const last = await ship(sale, ['L3'])
  expect(last.json).toMatchObject({ shippingState: 'PENDING', isAllDelivered: true })
  shop.advance(1)
  // The merchant got no answer, so the request is repeated.
  expect((await shipSome(sale, 'L2')).json).toMatchObject({ isAllDelivered: true })
  shop.advance(2 * MINUTE_MS)
  await shop.cron()
  expect(numbersAt(sale)).toEqual(['L1', 'L2', 'L3'])
  expect(atWechat(sale)).toMatchObject({ finished: true, changed: false })
})

test('requests that the network repeats add nothing twice, in any order', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'C1')
  await shipSome(sale, 'C1')
  await shipSome(sale, 'C2')
  await shipSome(sale, 'C1')
  await ship(sale, ['C3'])
  const uploads = shop.uploads(sale.transactionId).length
  shop.advance(MINUTE_MS)
  expect((await ship(sale, ['C3'])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect((await shipSome(sale, 'C2')).json).toMatchObject({ isAllDelivered: true })
  expect(numbersAt(sale)).toEqual(['C1', 'C2', 'C3'])
  expect(atWechat(sale)).toMatchObject({ changed: false })
  expect(shop.uploads(sale.transactionId)).toHaveLength(uploads)
})

test('a parcel whose answer was lost is recognised at WeChat, however its number is written', async () => {
  const sale = await shop.sell()
  const numbers = ['P1拿铁☕️🦊𠮷', 'P'.repeat(128)]
  await shipSome(sale, 'P0')
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'lose-answer', times: 1 })
  expect((await shipSome(sale, ...numbers)).status).toBe(503)
  shop.advance(2 * MINUTE_MS)
  await shop.cron()
  expect(await shippingState(sale)).toBe('UPLOADED')
  expect(shop.uploads(sale.transactionId)).toHaveLength(2)
  expect(numbersAt(sale)).toEqual(['P0', ...numbers])
})

test('a late repetition of an earlier request does not make the last one a correction', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop' })
  await shipSome(sale, 'M1')
  await ship(sale, ['M2'])
  await shipSome(sale, 'M1')
  await ship(sale, ['M2'])
  shop.wechat.clearFaults()
  shop.advance(2 * MINUTE_MS)
  await shop.cron()
  expect(numbersAt(sale)).toEqual(['M1', 'M2'])
})

test('concurrent requests for two parcels add both, each once', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'D1')
  shop.advance(MINUTE_MS)
  await Promise.all([shipSome(sale, 'D2'), shipSome(sale, 'D3'), shipSome(sale, 'D2')])
  shop.advance(2 * MINUTE_MS)
  await shop.cron()
  expect(numbersAt(sale)?.toSorted()).toEqual(['D1', 'D2', 'D3'])
})

test.each([
  ['whose answer is lost', 'lose-answer'],
  ['that does not reach WeChat', 'drop'],
] as const)(
  'the last parcel, in a report %s, is reported once and uses no change',
  async (_, fault) => {
    const sale = await shop.sell()
    await shipSome(sale, 'E1')
    shop.wechat.misbehave({ on: 'upload_shipping_info', do: fault, times: 1 })
    expect((await ship(sale, ['E2'])).status).toBe(503)
    expect(await shippingState(sale)).toBe('PENDING')
    shop.advance(2 * MINUTE_MS)
    await shop.cron()
    expect(await shippingState(sale)).toBe('UPLOADED')
    expect(numbersAt(sale)).toEqual(['E1', 'E2'])
    expect(atWechat(sale)).toMatchObject({ finished: true, changed: false })
  },
)

test('a parcel that arrives while the last one is reported is refused, and the correction stays free', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'Q1')
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'delay', ms: 2_000, times: 1 })
  const last = ship(sale, ['Q2'])
  await expect.poll(() => numbersAt(sale)).toEqual(['Q1', 'Q2'])
  expect((await shipSome(sale, 'Q3')).json).toMatchObject({ code: 'shipping_complete' })
  expect((await last).json).toMatchObject({ shippingState: 'UPLOADED' })
  await shop.world.settled()
  expect(numbersAt(sale)).toEqual(['Q1', 'Q2'])
  expect(atWechat(sale)).toMatchObject({ finished: true, changed: false })
})

test('after a report without an answer, the next one waits for a minute, whatever arrives meanwhile', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'S1')
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop' })
  expect((await ship(sale, ['S2'])).status).toBe(503)
  shop.wechat.clearFaults()
  const uploads = shop.uploads(sale.transactionId).length
  for (let times = 0; times < 3; times += 1) {
    shop.advance(15_000)
    expect((await ship(sale, ['S2'])).json).toMatchObject({ shippingState: 'PENDING' })
  }
  expect(shop.uploads(sale.transactionId)).toHaveLength(uploads)
  shop.advance(MINUTE_MS)
  expect((await ship(sale, ['S2'])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(numbersAt(sale)).toEqual(['S1', 'S2'])
  expect(atWechat(sale)).toMatchObject({ finished: true, changed: false })
})

test('content that arrives while another report is under way waits for it', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'R1')
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'delay', ms: 2_000, times: 1 })
  const second = shipSome(sale, 'R2')
  await expect.poll(() => numbersAt(sale)).toEqual(['R1', 'R2'])
  expect((await ship(sale, ['R3'])).json).toMatchObject({ shippingState: 'PENDING' })
  expect(shop.uploads(sale.transactionId)).toHaveLength(1)
  expect((await second).status).toBe(200)
  await shop.world.settled()
  expect(await shippingState(sale)).toBe('UPLOADED')
  expect(numbersAt(sale)).toEqual(['R1', 'R2', 'R3'])
  expect(atWechat(sale)).toMatchObject({ finished: true, changed: false })
})

test('a parcel that is known already can be named the last one', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'F1')
  expect((await ship(sale, ['F1'])).json).toMatchObject({ isAllDelivered: true })
  expect(atWechat(sale)).toMatchObject({ finished: true, changed: false, deliveryMode: 2 })
  expect(numbersAt(sale)).toEqual(['F1'])
})

test('after the last parcel another one is refused, and a complete report corrects it once', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'G1')
  await ship(sale, ['G2'])
  expect((await shipSome(sale, 'G3')).json).toMatchObject({
    status: 409,
    code: 'shipping_complete',
  })
  shop.advance(1_000)
  expect((await ship(sale, ['G1', 'G2', 'G3'])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(numbersAt(sale)).toEqual(['G1', 'G2', 'G3'])
  expect(atWechat(sale)).toMatchObject({ changed: true, finished: true })
  shop.advance(1_000)
  const third = await ship(sale, ['G1'])
  expect(third.json).toMatchObject({ status: 409, code: 'shipping_refused' })
  expect(third.json['detail']).toContain('10060003')
  expect(numbersAt(sale)).toEqual(['G1', 'G2', 'G3'])
})

test('a correction whose answer is lost uses one change', async () => {
  const sale = await shop.sell()
  await ship(sale, ['H1', 'H2'])
  shop.advance(1_000)
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'lose-answer', times: 1 })
  expect((await ship(sale, ['H1', 'H3'])).status).toBe(503)
  shop.advance(2 * MINUTE_MS)
  await shop.cron()
  expect(await shippingState(sale)).toBe('UPLOADED')
  expect(numbersAt(sale)).toEqual(['H1', 'H3'])
})

test('a wrong parcel that WeChat refuses is replaced by the next request', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'I1')
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 10060025, times: 1 })
  expect((await ship(sale, ['TYPO'])).json).toMatchObject({ code: 'shipping_refused' })
  expect((await ship(sale, ['I2'])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(numbersAt(sale)).toEqual(['I1', 'I2'])
})

test('a sixteenth parcel is refused by name, and the others stay', async () => {
  const sale = await shop.sell()
  const numbers = Array.from({ length: 14 }, (_, index) => `J${index}`)
  await shipSome(sale, ...numbers)
  expect((await ship(sale, ['J14', 'J15'])).json).toMatchObject({
    status: 400,
    code: 'invalid_request',
    detail: expect.stringMatching(/^items: .*15 parcels/),
  })
  expect((await ship(sale, ['J14'])).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(numbersAt(sale)).toHaveLength(15)
})

test.each(['local_delivery', 'virtual', 'self_pickup'])(
  '%s cannot be reported bit by bit',
  async (logisticsType) => {
    const answer = await ship(await shop.sell(), ['K1'], { logisticsType, isAllDelivered: false })
    expect(answer.json).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/^isAllDelivered: /),
    })
  },
)

test('an order of several parcels is settled only after the last one', async () => {
  const sale = await shop.sell()
  await shipSome(sale, 'L1')
  shop.advance(30 * 86_400_000)
  await shop.cron()
  expect(await shop.query(shop.merchantKey, sale.outTradeNo)).not.toHaveProperty('confirmedAt')
  await ship(sale, ['L2'])
  shop.wechat.confirmReceipt(sale.outTradeNo)
  shop.advance(2 * 86_400_000)
  await shop.cron()
  expect(await shop.query(shop.merchantKey, sale.outTradeNo)).toHaveProperty('settledAt')
})

/** WeChat refuses a report because it has a shipment of the order: that one is kept. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ACCESS_TOKEN, openShop, type Answer, type Sale, type Shop } from '../support/shop.ts'

const MINUTE_MS = 60_000

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => shop.wechat.clearFaults())
afterAll(() => shop.close())

const box = (trackingNo: string, itemDesc = '咖啡豆 250g') => ({
  itemDesc,
  trackingNo,
  expressCompany: 'ZTO',
})
async function ship(
  { outTradeNo }: Sale,
  items: readonly object[],
  more: Record<string, unknown> = {},
): Promise<Answer> {
  // Each report has a later time than the one before.
  shop.advance(1_000)
  const body = { outTradeNo, logisticsType: 'express', items, ...more }
  return shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
}
const MORE = { isAllDelivered: false }
const read = async ({ outTradeNo }: Sale) =>
  (await shop.call('GET', `/api/shipping?outTradeNo=${outTradeNo}`, { token: shop.merchantKey }))
    .json
const numbersAt = ({ outTradeNo }: Sale) =>
  shop.wechat
    .shipments()
    .find((shipment) => shipment.outTradeNo === outTradeNo)
    ?.parcels.map(({ trackingNo }) => trackingNo)
async function retry(): Promise<void> {
  shop.advance(2 * MINUTE_MS)
  await shop.cron()
}
const failures = ({ outTradeNo }: Sale) =>
  shop.sql(`select from events where out_trade_no = $1 and type = 'shipping.failed'`, [outTradeNo])
const frozen = async () =>
  (await shop.call('GET', '/api/shipping', { token: shop.merchantKey })).json['orders']

/** The order shows this shipment as uploaded, and nothing says that its money is frozen. */
async function expectKept(sale: Sale, items: readonly object[], errCode?: string): Promise<void> {
  const order = await read(sale)
  expect(order).toMatchObject({ shippingState: 'UPLOADED', shipment: { items } })
  expect(order['shipment']).toHaveProperty('isAllDelivered', true)
  if (errCode === undefined) expect(order['shipment']).not.toHaveProperty('errCode')
  else expect(order['shipment']).toMatchObject({ errCode, errText: expect.any(String) })
  expect(await failures(sale)).toEqual([])
  expect(await frozen()).toEqual([])
}
const refused = (errcode: number) => ({
  status: 409,
  json: {
    code: 'shipping_refused',
    detail: expect.stringMatching(
      `^WeChat answered ${errcode} .*WeChat keeps the shipment that it has: GET /api/shipping shows it`,
    ),
  },
})
const misbehave = (errcode: number) =>
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode, times: 1 })

/** The console reports to WeChat without the functions. */
async function shipInConsole({ outTradeNo, transactionId }: Sale, number: string): Promise<void> {
  const order = shop.wechat.orders().find((known) => known.outTradeNo === outTradeNo)
  const token = String(await shop.redis('GET', ACCESS_TOKEN))
  shop.advance(1_000)
  const answer = await fetch(
    `${shop.world.url}/wechat/wxa/sec/order/upload_shipping_info?access_token=${token}`,
    {
      method: 'POST',
      body: JSON.stringify({
        order_key: { order_number_type: 2, transaction_id: transactionId },
        logistics_type: 1,
        delivery_mode: 1,
        shipping_list: [{ item_desc: '礼盒', tracking_no: number, express_company: 'YTO' }],
        upload_time: new Date().toISOString(),
        payer: { openid: order?.openid },
      }),
    },
  )
  expect(await answer.json()).toMatchObject({ errcode: 0 })
}

test('a late repetition of the last parcel after a correction is refused, each time, and the correction stays', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('A1')], MORE)
  await ship(sale, [box('A2')], MORE)
  await ship(sale, [box('A3')])
  const corrected = ['A1', 'A2', 'A4'].map((number) => box(number))
  expect((await ship(sale, corrected)).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(await ship(sale, [box('A3')])).toMatchObject(refused(10060003))
  await expectKept(sale, corrected, '10060003')
  expect(await ship(sale, [box('A3')])).toMatchObject(refused(10060003))
  expect((await ship(sale, [box('A2')], MORE)).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect((await ship(sale, corrected)).json).toMatchObject({ shippingState: 'UPLOADED' })
  await expectKept(sale, corrected, '10060003')
  expect(numbersAt(sale)).toEqual(['A1', 'A2', 'A4'])
})

test('the kept shipment has its numbers as WeChat shows them, however they are written', async () => {
  const sale = await shop.sell()
  const numbers = ['AB1拿铁☕️🦊𠮷', 'B'.repeat(128)].map((number) => box(number))
  await ship(sale, [box('A1')])
  expect((await ship(sale, numbers)).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(await ship(sale, [box('A2')])).toMatchObject(refused(10060003))
  await expectKept(sale, numbers, '10060003')
})

test('an earlier request that arrives while a correction waits does not replace the correction', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('F1')])
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop', times: 1 })
  expect((await ship(sale, [box('F2')])).status).toBe(503)
  expect(await ship(sale, [box('F1')])).toMatchObject({
    status: 409,
    json: { code: 'shipping_corrected' },
  })
  await retry()
  await expectKept(sale, [box('F2')])
  expect(numbersAt(sale)).toEqual(['F2'])
})

test('a second correction that cron reports is refused, and the first one stays', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('B1')])
  await ship(sale, [box('B2')])
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop', times: 1 })
  expect((await ship(sale, [box('B3')])).status).toBe(503)
  await retry()
  await expectKept(sale, [box('B2')], '10060003')
})

test.each([10060002, 10060003])(
  'a correction whose answer was lost is recognised when its repetition gets %i',
  async (errcode) => {
    const sale = await shop.sell()
    await ship(sale, [box('C1')])
    shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'lose-answer', times: 1 })
    expect((await ship(sale, [box('C2')])).status).toBe(503)
    misbehave(errcode)
    await retry()
    await expectKept(sale, [box('C2')])
    expect(numbersAt(sale)).toEqual(['C2'])
  },
)

test('a correction that was stored before the instance died is reported by cron', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('D1')])
  await ship(sale, [box('D2')])
  await shop.sql(`update shipments set shipping_state = 'PENDING', next_attempt_at = now()
    where out_trade_no = '${sale.outTradeNo}'`)
  misbehave(10060003)
  await retry()
  await expectKept(sale, [box('D2')])
})

test('of three reports whose answers were lost, the one that WeChat has is shown', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'lose-answer', times: 2 })
  expect((await ship(sale, [box('E1')])).status).toBe(503)
  shop.advance(60_000)
  expect((await ship(sale, [box('E2')])).status).toBe(503)
  shop.advance(60_000)
  expect(await ship(sale, [box('E3')])).toMatchObject(refused(10060003))
  await expectKept(sale, [box('E2')], '10060003')
})

test('a correction of the description alone is refused as well', async () => {
  const sale = await shop.sell()
  const pickup = (itemDesc: string) => ship(sale, [{ itemDesc }], { logisticsType: 'self_pickup' })
  await pickup('拿铁 🥛')
  expect((await pickup('拿铁，冰')).status).toBe(200)
  expect(await pickup('卡布奇诺')).toMatchObject(refused(10060003))
  await expectKept(sale, [{ itemDesc: '拿铁，冰' }], '10060003')
})

test('a correction that changes only the description of one of two parcels reaches WeChat', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('M1'), box('M2')])
  const corrected = [box('M1'), box('M2', '挂耳咖啡')]
  expect((await ship(sale, corrected)).json).toMatchObject({ shippingState: 'UPLOADED' })
  const atWechat = shop.wechat.shipments().find((one) => one.outTradeNo === sale.outTradeNo)
  expect(atWechat?.parcels.map(({ itemDesc }) => itemDesc)).toEqual(['咖啡豆 250g', '挂耳咖啡'])
  await expectKept(sale, corrected)
})

test('a shipment that was reported in the console is shown when WeChat refuses another one', async () => {
  const sale = await shop.sell()
  await ship(await shop.sell(), [box('F0')])
  await shipInConsole(sale, 'F1')
  misbehave(10060002)
  expect(await ship(sale, [box('F2')])).toMatchObject(refused(10060002))
  const items = [{ itemDesc: '礼盒', trackingNo: 'F1', expressCompany: 'YTO' }]
  await expectKept(sale, items, '10060002')
  expect((await shop.query(shop.merchantKey, sale.outTradeNo))['shippingState']).toBe('UPLOADED')
})

test('a parcel is refused when the shipment was completed in the console, and the order counts as shipped', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('G1')], MORE)
  await shipInConsole(sale, 'G2')
  const items = [{ itemDesc: '礼盒', trackingNo: 'G2', expressCompany: 'YTO' }]
  expect((await ship(sale, [box('G3')], MORE)).json).toMatchObject({ code: 'shipping_refused' })
  await expectKept(sale, items, '10060003')
})

test.each([
  ['does not answer', { do: 'drop' }],
  ['is busy', { do: 'errcode', errcode: -1 }],
] as const)(
  'while get_order %s, the correction is pending, and nothing is decided',
  async (_, fault) => {
    const sale = await shop.sell()
    await ship(sale, [box('H1')])
    await ship(sale, [box('H2')])
    shop.wechat.misbehave({ on: 'get_order', ...fault })
    await ship(sale, [box('H3')])
    await retry()
    expect(await shop.query(shop.merchantKey, sale.outTradeNo)).toMatchObject({
      shippingState: 'PENDING',
    })
    expect(await failures(sale)).toEqual([])
    shop.wechat.clearFaults()
    shop.advance(10 * MINUTE_MS)
    await shop.cron()
    await expectKept(sale, [box('H2')], '10060003')
  },
)

test.each([10060002, 10060003])(
  'an order that WeChat does not show as shipped is not shown as shipped, although %i says so',
  async (errcode) => {
    const sale = await shop.sell()
    misbehave(errcode)
    expect((await ship(sale, [box('I1')])).json).toMatchObject({
      shippingState: 'PENDING',
      errCode: String(errcode),
    })
    expect(numbersAt(sale)).toBeUndefined()
    await retry()
    await expectKept(sale, [box('I1')])
    expect(numbersAt(sale)).toEqual(['I1'])
  },
)

test('a first report that gets 10060002 counts as done while WeChat does not answer which shipment it has', async () => {
  const sale = await shop.sell()
  misbehave(10060002)
  shop.wechat.misbehave({ on: 'get_order', do: 'errcode', errcode: -1, times: 1 })
  expect((await ship(sale, [box('L1')])).json).toMatchObject({ shippingState: 'UPLOADED' })
  misbehave(10060002)
  shop.wechat.misbehave({ on: 'get_order', do: 'errcode', errcode: -1, times: 1 })
  expect((await ship(sale, [box('L2')])).status).toBe(503)
  await retry()
  await expectKept(sale, [box('L2')])
})

test('an access token that expires between report and question is replaced', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('J1')])
  await ship(sale, [box('J2')])
  shop.wechat.misbehave({ on: 'get_order', do: 'errcode', errcode: 42001, times: 1 })
  expect(await ship(sale, [box('J3')])).toMatchObject(refused(10060003))
  await expectKept(sale, [box('J2')], '10060003')
})

test('concurrent corrections leave the order with the shipment that WeChat has', async () => {
  const sale = await shop.sell()
  await ship(sale, [box('K1')])
  await Promise.all(['K2', 'K3', 'K4'].map((number) => ship(sale, [box(number)])))
  for (let runs = 0; runs < 3; runs += 1) await retry()
  const order = await read(sale)
  expect(order).toMatchObject({ shippingState: 'UPLOADED' })
  expect(order['shipment']).toMatchObject({
    items: [{ trackingNo: numbersAt(sale)?.[0] }],
  })
  expect(await failures(sale)).toEqual([])
})

/** How far an order is: GET /api/shipping, and the receipt that the merchant reports. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openShop, type Answer, type Sale, type Shop } from '../support/shop.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => {
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ shippableAfterMs: 0 })
})
afterAll(() => shop.close())

const BOX = {
  itemDesc: '咖啡豆 250g',
  trackingNo: 'SF1000000000001',
  expressCompany: 'SF',
  contact: { receiverContact: '+86-177****1234' },
}
const post = (body: unknown): Promise<Answer> =>
  shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
const ship = ({ outTradeNo }: Sale, logisticsType = 'express') =>
  post({ outTradeNo, logisticsType, items: [BOX] })
const read = (query: string, token = shop.merchantKey) =>
  shop.call('GET', `/api/shipping${query}`, { token })
const stateOf = async ({ outTradeNo }: Sale) =>
  (await read(`?outTradeNo=${outTradeNo}`)).json['orderState']

test('the payer and the merchant see the parcels of an order and its state at WeChat, and only the merchant sees the payer', async () => {
  const sale = await shop.sell()
  await ship(sale)
  const { itemDesc, trackingNo, expressCompany } = BOX
  const forPayer = await read(`?outTradeNo=${sale.outTradeNo}`, sale.token)
  expect(forPayer.json).toEqual({
    ...(await shop.query(sale.token, sale.outTradeNo)),
    orderState: 'SHIPPED',
    shipment: {
      logisticsType: 'express',
      isAllDelivered: true,
      items: [{ itemDesc, trackingNo, expressCompany }],
    },
  })
  const { json } = await read(`?outTradeNo=${sale.outTradeNo}`)
  expect(json).toEqual({ ...forPayer.json, openid: expect.any(String) })
})

test('the state follows WeChat, from the payment to the settlement, and is stored with the order', async () => {
  const sale = await shop.sell()
  expect(await stateOf(sale)).toBe('TO_SHIP')
  await ship(sale)
  expect(await stateOf(sale)).toBe('SHIPPED')
  shop.wechat.confirmReceipt(sale.outTradeNo)
  expect(await stateOf(sale)).toBe('RECEIVED')
  expect(await shop.query(sale.token, sale.outTradeNo)).toHaveProperty('confirmedAt')
  shop.advance(13 * HOUR_MS)
  expect(await stateOf(sale)).toBe('AWAITING_SETTLEMENT')
  shop.advance(12 * HOUR_MS)
  expect(await stateOf(sale)).toBe('FINISHED')
  expect(await shop.query(shop.merchantKey, sale.outTradeNo)).toHaveProperty('settledAt')
})

test('a refunded order is REFUNDED, and an order that WeChat’s shipping does not know has no state', async () => {
  const sale = await shop.sell()
  shop.wechat.refundInConsole(sale.outTradeNo, 2800)
  shop.advance(HOUR_MS)
  expect(await stateOf(sale)).toBe('REFUNDED')
  shop.wechat.changeSettings({ shippableAfterMs: HOUR_MS })
  const early = await shop.sell()
  const answer = await read(`?outTradeNo=${early.outTradeNo}`)
  expect([answer.status, 'orderState' in answer.json]).toEqual([200, false])
})

test('another payer’s order and an unknown one are not found, and an unpaid order has no shipping', async () => {
  const sale = await shop.sell()
  const other = await shop.logIn()
  expect((await read(`?outTradeNo=${sale.outTradeNo}`, other)).json['code']).toBe('order_not_found')
  expect((await read('?outTradeNo=no-such-order')).json['code']).toBe('order_not_found')
  const unpaid = await shop.placeOrder(other)
  expect((await read(`?outTradeNo=${unpaid}`, other)).json).toMatchObject({
    status: 409,
    code: 'order_not_paid',
  })
})

test('without an answer of WeChat the state is unknown, and the caller is told so', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'get_order', do: 'drop' })
  expect((await read(`?outTradeNo=${sale.outTradeNo}`, sale.token)).json).toMatchObject({
    status: 503,
    code: 'wechat_unknown',
  })
})

test('a payer must name an order, and the merchant gives an order or a page', async () => {
  const { token, outTradeNo } = await shop.sell()
  expect((await read('', token)).json['detail']).toBe('outTradeNo: is missing')
  expect((await read('?limit=5', token)).json['status']).toBe(400)
  expect((await read(`?outTradeNo=${outTradeNo}&limit=5`)).json['detail']).toContain(
    'either outTradeNo, or cursor and limit',
  )
  const { json } = await shop.call('GET', '/api/orders?limit=1', { token: shop.merchantKey })
  expect((await read(`?cursor=${String(json['nextCursor'])}`)).json['detail']).toMatch(/^cursor: /)
})

test('what WeChat refused to ship waits in the merchant’s list, newest first and page by page, until it is shipped', async () => {
  await shop.sql(`update orders set shipping_state = null where shipping_state = 'FAILED'`)
  const sales = [await shop.sell(), await shop.sell(), await shop.sell()]
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: 10060031 })
  for (const sale of sales) await ship(sale)
  shop.wechat.clearFaults()
  const numbers = (answer: Answer) =>
    [...answer.text.matchAll(/"outTradeNo":"([^"]+)"/g)].map(([, number]) => number)
  const [one, two, three] = sales.map(({ outTradeNo }) => outTradeNo)
  const first = await read('?limit=2')
  expect(numbers(first)).toEqual([three, two])
  expect(first.json).toMatchObject({
    orders: [
      {
        shippingState: 'FAILED',
        shipment: { errCode: '10060031', items: [{ trackingNo: BOX.trackingNo }] },
      },
      {},
    ],
  })
  const second = await read(`?cursor=${String(first.json['nextCursor'])}`)
  expect([numbers(second), 'nextCursor' in second.json]).toEqual([[one], false])
  for (const sale of sales.slice(0, 2)) await ship(sale)
  expect(numbers(await read(''))).toEqual([three])
  shop.wechat.refundInConsole(String(three), 2800)
  shop.advance(DAY_MS)
  await shop.deliverNotifications()
  expect(numbers(await read(''))).not.toContain(three)
})

const receive = ({ outTradeNo }: Sale, receivedAt: Date) =>
  post({ outTradeNo, receivedAt: receivedAt.toISOString() })
const wasReported = ({ outTradeNo }: Sale) =>
  shop.wechat.shipments().find((shipment) => shipment.outTradeNo === outTradeNo)?.isReceiptReported

test('the delivery by the carrier is reported to WeChat once, however often it is sent', async () => {
  const sale = await shop.sell()
  await ship(sale)
  shop.advance(DAY_MS)
  const at = new Date(Math.floor(Date.now() / 1_000) * 1_000 - HOUR_MS)
  const answer = await receive(sale, at)
  expect(answer).toMatchObject({ status: 200, json: { outTradeNo: sale.outTradeNo } })
  expect(Date.parse(String(answer.json['receivedAt']))).toBe(at.getTime())
  expect(wasReported(sale)).toBe(true)
  expect(await receive(sale, at)).toMatchObject({ status: 200 })
})

test.each([
  ['an order that is not shipped', 'none', '10060028', 'not shipped'],
  ['a time before the shipment', 'before', '10060029', 'later than the shipment'],
  ['a time in the future', 'after', '10060029', 'not in the future'],
  ['an order that was not sent by express', 'pickup', '10060032', 'express'],
])('the delivery of %s is refused, with WeChat’s code', async (_, what, code, text) => {
  const sale = await shop.sell()
  if (what !== 'none') await ship(sale, what === 'pickup' ? 'self_pickup' : 'express')
  const shippedAt = Date.now()
  shop.advance(DAY_MS)
  const offset = { before: -HOUR_MS, after: 2 * DAY_MS }[what] ?? HOUR_MS
  const answer = await receive(sale, new Date(shippedAt + offset))
  expect(answer.json).toMatchObject({ status: 409, code: 'shipping_refused' })
  expect(answer.json['detail']).toContain(code)
  expect(answer.json['detail']).toContain(text)
  expect(wasReported(sale)).not.toBe(true)
})

test('a delivery with a wrong time or another field is refused by name', async () => {
  const { outTradeNo } = await shop.sell()
  expect((await post({ outTradeNo, receivedAt: 'today' })).json['detail']).toMatch(/^receivedAt: /)
  expect(
    (await post({ outTradeNo, receivedAt: '2026-11-20T12:00:00+08:00', items: [] })).json['detail'],
  ).toMatch(/^items: /)
})

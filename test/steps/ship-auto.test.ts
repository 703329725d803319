/**
 * WECHAT_AUTO_SHIPPING ships every payment of a shop that sells virtual goods or for self pick-up.
 * Virtual goods need WECHAT_VIRTUAL_GOODS_ALLOWED.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { paidAfterClosing } from '../support/paid-after-closing.ts'
import { openShop, textOf, type Sale, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(() => void vi.stubEnv('WECHAT_AUTO_SHIPPING', 'virtual'))
afterEach(async () => {
  vi.unstubAllEnvs()
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ shippableAfterMs: 0 })
  await shop.sql('delete from shipments')
})
afterAll(() => shop.close())

const uploadsOf = (sale: Sale) => shop.uploads(sale.transactionId)
const stateOf = async (sale: Sale) =>
  (await shop.query(sale.token, sale.outTradeNo))['shippingState']

/** An order that is paid at WeChat and whose notification is lost. */
async function payWithoutNotification(): Promise<{ token: string; outTradeNo: string }> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  return { token, outTradeNo }
}

test.each([
  ['virtual', 3],
  ['self_pickup', 4],
])(
  'with %s each payment is uploaded automatically, about a minute after it',
  async (kind, number) => {
    vi.stubEnv('WECHAT_AUTO_SHIPPING', kind)
    const sale = await shop.sell()
    expect(await stateOf(sale)).toBe('PENDING')
    shop.advance(59_000)
    await shop.cron()
    expect(uploadsOf(sale)).toEqual([])
    shop.advance(2_000)
    await shop.cron()
    expect(uploadsOf(sale)).toMatchObject([
      { logistics_type: number, delivery_mode: 1, shipping_list: [{ item_desc: '拿铁' }] },
    ])
    expect(await stateOf(sale)).toBe('UPLOADED')
  },
)

test('a payment that WeChat’s shipping knows only after a minute is still uploaded', async () => {
  shop.wechat.changeSettings({ shippableAfterMs: 90_000 })
  const sale = await shop.sell()
  shop.advance(61_000)
  await shop.cron()
  expect(await stateOf(sale)).toBe('PENDING')
  shop.advance(121_000)
  await shop.cron()
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('fifteen notifications, with concurrent queries and cron, make one shipment', async () => {
  const { token, outTradeNo } = await payWithoutNotification()
  shop.wechat.clearFaults()
  shop.wechat.misbehave({ on: 'notify', do: 'repeat', copies: 15 })
  shop.advance(3_600_000)
  await Promise.all([
    shop.deliverNotifications(),
    shop.query(token, outTradeNo),
    shop.query(token, outTradeNo),
    shop.cron(),
  ])
  expect(
    await shop.sql('select attempts from shipments where out_trade_no = $1', [outTradeNo]),
  ).toHaveLength(1)
  shop.advance(61_000)
  await Promise.all([shop.cron(), shop.cron()])
  shop.advance(3_600_000)
  await shop.cron()
  expect(shop.uploads(textOf(await shop.query(token, outTradeNo), 'transactionId'))).toHaveLength(1)
})

test.each(['query', 'close', 'prepay', 'cron'])(
  'a payment confirmed by %s is shipped',
  async (channel) => {
    const { token, outTradeNo } = await payWithoutNotification()
    shop.advance(60_000)
    if (channel === 'query') await shop.query(token, outTradeNo)
    if (channel === 'close')
      expect(
        (await shop.call('POST', '/api/close', { token, body: { outTradeNo } })).json['code'],
      ).toBe('order_paid')
    if (channel === 'prepay') {
      await shop.redis('DEL', `wxpay:prepay:${outTradeNo}`)
      expect(
        (await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })).json['code'],
      ).toBe('order_paid')
    }
    await shop.cron()
    shop.advance(61_000)
    await shop.cron()
    expect(await shop.query(token, outTradeNo)).toMatchObject({
      tradeState: 'SUCCESS',
      shippingState: 'UPLOADED',
    })
  },
)

test('a payment of an order that was closed here is shipped too', async () => {
  const { token, outTradeNo } = await paidAfterClosing(shop)
  await shop.deliverNotifications()
  await shop.cron()
  shop.advance(61_000)
  await shop.cron()
  expect(await shop.query(token, outTradeNo)).toMatchObject({
    tradeState: 'SUCCESS',
    shippingState: 'UPLOADED',
  })
})

test('a shipment of the merchant within the minute replaces the automatic one', async () => {
  const sale = await shop.sell()
  const items = [{ itemDesc: '咖啡豆', trackingNo: '77001', expressCompany: 'ZTO' }]
  await shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: { outTradeNo: sale.outTradeNo, logisticsType: 'express', items },
  })
  shop.advance(3_600_000)
  await shop.cron()
  expect(uploadsOf(sale)).toMatchObject([{ logistics_type: 1 }])
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('without the setting nothing is shipped automatically', async () => {
  vi.stubEnv('WECHAT_AUTO_SHIPPING', '')
  const sale = await shop.sell()
  shop.advance(3_600_000)
  await shop.cron()
  expect(uploadsOf(sale)).toEqual([])
  expect(await shop.query(sale.token, sale.outTradeNo)).not.toHaveProperty('shippingState')
})

test('an invalid value is named but not quoted, and the payment is settled once it is corrected', async () => {
  const { token, outTradeNo } = await payWithoutNotification()
  vi.stubEnv('WECHAT_AUTO_SHIPPING', 'carrier-pigeon')
  const answer = await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token })
  expect(answer.json).toMatchObject({
    status: 503,
    code: 'not_configured',
    detail: 'The environment variable WECHAT_AUTO_SHIPPING is neither virtual nor self_pickup.',
  })
  expect(answer.text).not.toContain('pigeon')
  vi.stubEnv('WECHAT_AUTO_SHIPPING', 'self_pickup')
  expect(await shop.query(token, outTradeNo)).toMatchObject({
    tradeState: 'SUCCESS',
    shippingState: 'PENDING',
  })
})

describe('without WECHAT_VIRTUAL_GOODS_ALLOWED', () => {
  const REFUSED = {
    status: 503,
    json: {
      code: 'not_configured',
      detail: expect.stringMatching(
        /^The environment variable WECHAT_VIRTUAL_GOODS_ALLOWED is not 1\. Since 2026-04-01 /,
      ),
    },
  }
  const withoutSetting = () => vi.stubEnv('WECHAT_VIRTUAL_GOODS_ALLOWED', '')
  const order = (token: string, body: object) => shop.call('POST', '/api/orders', { token, body })
  const basket = { items: [{ sku: 'latte', quantity: 1 }] }
  const priced = { openid: 'oPayer', totalFee: 100, body: '会员' }
  const ship = (outTradeNo: string, logisticsType: string) =>
    shop.call('POST', '/api/shipping', {
      token: shop.merchantKey,
      body: { outTradeNo, logisticsType, items: [{ itemDesc: '会员' }] },
    })

  test('a shop that ships everything as virtual takes no order, and the answer says why', async () => {
    const token = await shop.logIn()
    withoutSetting()
    expect(await order(token, basket)).toMatchObject(REFUSED)
    expect(await order(shop.merchantKey, priced)).toMatchObject(REFUSED)
    vi.stubEnv('WECHAT_AUTO_SHIPPING', 'self_pickup')
    expect((await order(token, basket)).status).toBe(201)
    expect((await order(shop.merchantKey, priced)).status).toBe(201)
  })

  test('an order that was taken before is paid, settled and shipped', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    withoutSetting()
    await shop.pay(token, outTradeNo)
    await shop.deliverNotifications()
    shop.advance(61_000)
    await shop.cron()
    expect(await shop.query(token, outTradeNo)).toMatchObject({ shippingState: 'UPLOADED' })
  })

  test('the merchant cannot ship as virtual, and in other ways', async () => {
    vi.stubEnv('WECHAT_AUTO_SHIPPING', '')
    const { outTradeNo } = await shop.sell()
    withoutSetting()
    expect(await ship(outTradeNo, 'virtual')).toMatchObject(REFUSED)
    expect(await shop.sql('select from shipments')).toEqual([])
    expect((await ship(outTradeNo, 'self_pickup')).json).toMatchObject({
      shippingState: 'UPLOADED',
    })
  })

  test('an order that was paid before the upgrade is still shipped as virtual', async () => {
    vi.stubEnv('WECHAT_AUTO_SHIPPING', '')
    const [before, after] = [await shop.sell(), await shop.sell()]
    const dateMigration = (name: string, paidOrder: Sale, interval: string) =>
      shop.sql(
        `update migrations set applied_at = (select paid_at from orders where out_trade_no = $2) + $3::interval where name = $1`,
        [name, paidOrder.outTradeNo, interval],
      )
    withoutSetting()
    await dateMigration('0001-payments', before, '-1 year')
    await dateMigration('0014-virtual-goods', before, '1 hour')
    expect((await ship(before.outTradeNo, 'virtual')).json).toMatchObject({
      shippingState: 'UPLOADED',
    })
    await dateMigration('0014-virtual-goods', after, '-25 hours')
    expect(await ship(after.outTradeNo, 'virtual')).toMatchObject(REFUSED)
  })
})

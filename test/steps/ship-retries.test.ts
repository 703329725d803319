/** Shipments are uploaded later when WeChat is down, busy, or does not know the payment yet. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ACCESS_TOKEN, openShop, type Answer, type Sale, type Shop } from '../support/shop.ts'

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

const stateOf = async (sale: Sale) =>
  (await shop.query(sale.token, sale.outTradeNo))['shippingState']
const timesUploaded = (sale: Sale) => shop.uploads(sale.transactionId).length
const isAtWechat = (sale: Sale) =>
  shop.wechat.shipments().some(({ outTradeNo }) => outTradeNo === sale.outTradeNo)

test.each([
  ['does not answer', { do: 'drop' }],
  ['answers 500', { do: 'http-500' }],
  ['answers with a page', { do: 'html' }],
  ['breaks off in the middle', { do: 'truncate' }],
] as const)(
  'when WeChat %s, the answer says that a retry is safe, and cron uploads a minute later',
  async (_, fault) => {
    const sale = await shop.sell()
    shop.wechat.misbehave({ on: 'upload_shipping_info', ...fault })
    const answer = await ship(sale)
    expect([502, 503]).toContain(answer.status)
    expect(answer.json['detail']).toContain('It is safe to retry')
    expect(await stateOf(sale)).toBe('PENDING')
    shop.wechat.clearFaults()
    shop.advance(59_000)
    await shop.cron()
    expect(timesUploaded(sale)).toBe(1)
    shop.advance(2_000)
    await shop.cron()
    expect(timesUploaded(sale)).toBe(2)
    expect(await stateOf(sale)).toBe('UPLOADED')
  },
)

test('when WeChat gives no access token, the shipment is stored and uploaded later', async () => {
  const sale = await shop.sell()
  await shop.redis('DEL', ACCESS_TOKEN)
  shop.wechat.misbehave({ on: 'stable_token', do: 'drop' })
  expect((await ship(sale)).json).toMatchObject({ status: 503, code: 'wechat_unknown' })
  expect(timesUploaded(sale)).toBe(0)
  shop.wechat.clearFaults()
  shop.advance(MINUTE_MS + 1)
  await shop.cron()
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('a payment that WeChat’s shipping does not know yet is uploaded once it does', async () => {
  shop.wechat.changeSettings({ shippableAfterMs: 150_000 })
  const sale = await shop.sell()
  const answer = await ship(sale)
  expect(answer.status).toBe(200)
  expect(answer.json).toEqual({
    outTradeNo: sale.outTradeNo,
    logisticsType: 'virtual',
    shippingState: 'PENDING',
    isAllDelivered: true,
    errCode: '10060001',
    errText: expect.stringMatching(/^支付单不存在, rid: /),
  })
  expect(await stateOf(sale)).toBe('PENDING')
  shop.advance(61_000)
  await shop.cron()
  expect([timesUploaded(sale), isAtWechat(sale)]).toEqual([2, false])
  shop.advance(121_000)
  await shop.cron()
  expect([timesUploaded(sale), isAtWechat(sale)]).toEqual([3, true])
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test.each([
  ['busy', -1],
  ['busy', 10060012],
  ['busy', 10060019],
  ['the quota of the day', 45009],
  ['too many concurrent calls', 44990],
  ['the quota of the minute', 45011],
  ['no access token', 41001],
  ['an invalid access token', 40001],
  ['a body it cannot read', 47001],
  ['a code that no table has', 10069999],
  ['a code of another product', 61003],
])(
  '%s (%i) is not a refusal: the answer is PENDING, and the upload is retried',
  async (_, errcode) => {
    const sale = await shop.sell()
    shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode, errmsg: 'not now' })
    const answer = await ship(sale)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      shippingState: 'PENDING',
      errCode: String(errcode),
      errText: expect.stringMatching(/^not now, rid: /),
    })
    expect(await ship(sale)).toMatchObject({ status: 200, json: { shippingState: 'PENDING' } })
    shop.wechat.clearFaults()
    shop.advance(MINUTE_MS + 1)
    await shop.cron()
    expect(await stateOf(sale)).toBe('UPLOADED')
  },
)

test('a given-up shipment is uploaded when the merchant ships it again', async () => {
  const sale = await shop.sell()
  await ship(sale)
  await shop.sql(
    `update shipments set shipping_state = 'FAILED', next_attempt_at = null where out_trade_no = $1`,
    [sale.outTradeNo],
  )
  expect((await ship(sale)).json).toMatchObject({ shippingState: 'UPLOADED' })
})

test('two concurrent cron runs and a later one upload a shipment once', async () => {
  const sales = [await shop.sell(), await shop.sell(), await shop.sell(), await shop.sell()]
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop' })
  await Promise.all(sales.map(ship))
  shop.wechat.clearFaults()
  shop.advance(MINUTE_MS + 1)
  await Promise.all([shop.cron(), shop.cron(), shop.cron()])
  expect(sales.map(timesUploaded)).toEqual([2, 2, 2, 2])
  expect(await Promise.all(sales.map(stateOf))).toEqual([
    'UPLOADED',
    'UPLOADED',
    'UPLOADED',
    'UPLOADED',
  ])
})

test('cron does not touch a shipment while its upload is in progress', async () => {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'delay', ms: 400, times: 1 })
  const shipping = ship(sale)
  await expect
    .poll(() => shop.sql('select 1 from shipments where out_trade_no = $1', [sale.outTradeNo]))
    .toHaveLength(1)
  await shop.cron()
  expect((await shipping).json).toMatchObject({ shippingState: 'UPLOADED' })
  expect(timesUploaded(sale)).toBe(1)
})

test('a shipment whose instance dies during the upload is uploaded by the next cron', async () => {
  const sale = await shop.sell()
  await ship(sale)
  await shop.sql(
    `update shipments set shipping_state = 'PENDING', next_attempt_at = $2 where out_trade_no = $1`,
    [sale.outTradeNo, new Date(Date.now() + 30_000)],
  )
  await shop.cron()
  expect(timesUploaded(sale)).toBe(1)
  shop.advance(31_000)
  await shop.cron()
  expect(timesUploaded(sale)).toBe(2)
  expect(await stateOf(sale)).toBe('UPLOADED')
})

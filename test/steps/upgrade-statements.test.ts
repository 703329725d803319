/** The statements of docs/deploying.md for an upgrade from 0.1.0, and for a rollback to it. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, type Sale, type Shop } from '../support/shop.ts'

const HOUR_MS = 3_600_000

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

const statementsOf = (page: string): readonly string[] =>
  [...readFileSync(page, 'utf8').matchAll(/```sql\n([\s\S]*?)```/g)].map(([, text = '']) => text)
const all = statementsOf('docs/deploying.md')
const [shipAgain = '', park = '', unpark = ''] = [
  /update shipments/,
  /set next_attempt_at = null/,
  /set attempts = 0/,
].map((pattern) => all.find((text) => pattern.test(text)))

test('the Chinese page has the same statements', () => {
  expect(statementsOf('docs/deploying.zh-CN.md')).toEqual(all)
})

const ship = ({ outTradeNo }: Sale) =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: 'a latte' }] },
  })
const stateOf = async ({ outTradeNo }: Sale) =>
  (await shop.query(shop.merchantKey, outTradeNo))['shippingState']

/** A shipment that 0.1.0 gave up, without the columns of later versions. */
async function givenUp(errCode: string): Promise<Sale> {
  const sale = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: -1, times: 1 })
  await ship(sale)
  await shop.sql(
    `update shipments set shipping_state = 'FAILED', err_code = $2, attempts = 1, next_attempt_at = null, requested_at = null
     where out_trade_no = $1`,
    [sale.outTradeNo, errCode],
  )
  await shop.sql(`update orders set shipping_state = 'FAILED' where out_trade_no = $1`, [
    sale.outTradeNo,
  ])
  return sale
}

test('after the upgrade every shipment that 0.1.0 gave up is sent again, unless its order was refunded in full', async () => {
  const [minute, unknown, refunded] = [
    await givenUp('45011'),
    await givenUp('99999'),
    await givenUp('41001'),
  ]
  const body = {
    outTradeNo: refunded.outTradeNo,
    outRefundNo: `R-${refunded.outTradeNo}`,
    refundFee: 2800,
  }
  await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  shop.advance(HOUR_MS)
  await shop.deliverNotifications()
  for (let times = 0; times < 2; times += 1) await shop.sql(shipAgain)
  expect([await stateOf(minute), await stateOf(unknown), await stateOf(refunded)]).toEqual([
    'PENDING',
    'PENDING',
    'FAILED',
  ])
  shop.advance(HOUR_MS)
  await shop.cron()
  expect([await stateOf(minute), await stateOf(unknown), await stateOf(refunded)]).toEqual([
    'UPLOADED',
    'UPLOADED',
    'FAILED',
  ])
})

test('events of the new types are parked before a rollback, and delivered after the next upgrade', async () => {
  const sale = await shop.sell()
  const { outTradeNo } = sale
  await shop.sql(
    `insert into events (type, out_trade_no, data, created_at, next_attempt_at)
     select 'shipping.failed', out_trade_no, (data::jsonb || '{"shippingState":"FAILED","errCode":"45011"}')::json, created_at, $2
     from events where out_trade_no = $1 and type = 'order.paid'`,
    [outTradeNo, new Date(Date.now())],
  )
  const event = async () =>
    (
      await shop.sql(
        `select delivered_at is not null as delivered, next_attempt_at is null as parked from events
         where type = 'shipping.failed' and out_trade_no = $1`,
        [outTradeNo],
      )
    )[0]
  await shop.sql(park)
  shop.advance(HOUR_MS)
  await shop.cron()
  expect(await event()).toEqual({ delivered: false, parked: true })
  await shop.sql(unpark)
  shop.advance(HOUR_MS)
  await shop.cron()
  expect(await event()).toMatchObject({ delivered: true })
})

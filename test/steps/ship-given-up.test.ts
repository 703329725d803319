/**
 * How long a shipment is retried, what counts as an attempt, and which event the merchant receives.
 */
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Unavailable } from '../../lib/core/failure.ts'
import { shipDue } from '../../lib/steps/ship.ts'
import { thisInstance } from '../../lib/composition.ts'
import {
  ACCESS_TOKEN,
  openShop,
  type Answer,
  type Json,
  type Sale,
  type Shop,
} from '../support/shop.ts'
import { listenToLog } from './log-lines.ts'

const json = v.record(v.string(), v.unknown())
const event = v.object({ type: v.string(), data: json })

const SECOND_MS = 1_000
const HOUR_MS = 3_600 * SECOND_MS
const DAY_MS = 24 * HOUR_MS

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(async () => {
  vi.restoreAllMocks()
  shop.wechat.clearFaults()
  await shop.sql(`update shipments set shipping_state = 'UPLOADED', next_attempt_at = null`)
})
afterAll(() => shop.close())

const ship = ({ outTradeNo }: Sale): Promise<Answer> =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: '会员卡' }] },
  })
const stateOf = async (sale: Sale) =>
  (await shop.query(shop.merchantKey, sale.outTradeNo))['shippingState']
const timesSent = (sale: Sale) => shop.uploads(sale.transactionId).length
const refuse = (errcode: number, errmsg?: string) =>
  shop.wechat.misbehave({
    on: 'upload_shipping_info',
    do: 'errcode',
    errcode,
    ...(errmsg === undefined ? {} : { errmsg }),
  })
const attemptsOf = async (sale: Sale) =>
  (
    await shop.sql('select attempts from shipments where out_trade_no = $1', [sale.outTradeNo])
  )[0]?.['attempts']

/** The events about a sale that the merchant received, in order. */
async function receivedEvents(sale: Sale): Promise<readonly Json[]> {
  await shop.world.settled()
  const all = shop.world.events.map(({ body }) => v.parse(event, JSON.parse(body)))
  return all
    .filter(
      ({ data, type }) => type === 'shipping.failed' && data['outTradeNo'] === sale.outTradeNo,
    )
    .map(({ data }) => data)
}

test('pauses grow to six hours, and a shipment that WeChat does not accept is given up after a week with one event', async () => {
  const lines = listenToLog()
  const sale = await shop.sell()
  refuse(10060001)
  await ship(sale)
  for (const [index, seconds] of [
    60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 21_600,
  ].entries()) {
    shop.advance((seconds - 1) * SECOND_MS)
    await shop.cron()
    expect(timesSent(sale), `before the end of pause ${index}`).toBe(index + 1)
    shop.advance(1_500)
    await shop.cron()
    expect(timesSent(sale), `after pause ${index}`).toBe(index + 2)
  }
  expect(await stateOf(sale)).toBe('PENDING')
  expect(await receivedEvents(sale)).toEqual([])
  shop.advance(6 * DAY_MS)
  await shop.cron()
  expect(await stateOf(sale)).toBe('PENDING')
  shop.advance(DAY_MS)
  await shop.cron()
  expect(await stateOf(sale)).toBe('FAILED')
  const last = timesSent(sale)
  shop.advance(10 * DAY_MS)
  expect(await receivedEvents(sale)).toEqual([
    {
      ...(await shop.query(shop.merchantKey, sale.outTradeNo)),
      shippingState: 'FAILED',
      errCode: '10060001',
      errText: expect.stringMatching(/^支付单不存在, rid: /),
    },
  ])
  expect(timesSent(sale)).toBe(last)
  const logged = (name: string) =>
    lines
      .filter((line) => line.includes(`"${name}"`))
      .map((line) => v.parse(json, JSON.parse(line)))
  expect(logged('shipping_postponed')[0]).toMatchObject({
    code: '10060001',
    detail: expect.stringContaining('WeChat does not know the payment yet'),
  })
  expect(logged('shipping_given_up')).toMatchObject([
    { code: '10060001', order: sale.outTradeNo, count: last },
  ])
})

test.each([
  ['a daily quota that is used up for five days', () => refuse(45009), 5],
  [
    'two days without an answer from WeChat',
    () => shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'drop' }),
    2,
  ],
  [
    'two days without an access token',
    () => shop.wechat.misbehave({ on: 'stable_token', do: 'errcode', errcode: 50002 }),
    2,
  ],
])('no shipment is given up because of %s', async (_, fault, days) => {
  const sale = await shop.sell()
  await shop.redis('DEL', ACCESS_TOKEN)
  fault()
  await ship(sale)
  for (let hour = 0; hour < 24 * days; hour += 8) {
    shop.advance(8 * HOUR_MS)
    await shop.cron()
  }
  expect(await stateOf(sale)).toBe('PENDING')
  shop.wechat.clearFaults()
  shop.advance(6 * HOUR_MS)
  await shop.cron()
  expect(await stateOf(sale)).toBe('UPLOADED')
  expect(await receivedEvents(sale)).toEqual([])
})

test('no shipment is given up because cron did not run for a week', async () => {
  const sale = await shop.sell()
  refuse(-1)
  await ship(sale)
  shop.advance(8 * DAY_MS)
  await shop.cron()
  expect([timesSent(sale), await stateOf(sale)]).toEqual([2, 'PENDING'])
  shop.wechat.clearFaults()
  shop.advance(DAY_MS)
  await shop.cron()
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test('an attempt whose instance dies is not counted', async () => {
  const sale = await shop.sell()
  refuse(-1)
  await ship(sale)
  for (let death = 0; death < 20; death += 1) {
    shop.advance(HOUR_MS)
    expect(await thisInstance().deps.shipments.takeDue(8, { by: 'dead', ms: 30_000 })).toHaveLength(
      1,
    )
  }
  expect(await attemptsOf(sale)).toBe(1)
})

test('an attempt whose outcome could not be stored is not counted, and is repeated when its lease expires', async () => {
  const sale = await shop.sell()
  refuse(-1)
  await ship(sale)
  shop.advance(61 * SECOND_MS)
  const deps = thisInstance().deps
  const failing = () => Promise.reject(new Unavailable('database', null, 'ECONNRESET'))
  await expect(
    shipDue({ ...deps, shipments: { ...deps.shipments, postponed: failing } }, 8),
  ).rejects.toThrow(Unavailable)
  expect([timesSent(sale), await stateOf(sale), await attemptsOf(sale)]).toEqual([2, 'PENDING', 1])
  shop.wechat.clearFaults()
  shop.advance(91 * SECOND_MS)
  await shop.cron()
  expect(await stateOf(sale)).toBe('UPLOADED')
})

test.each([
  ['refuses it for good', 10060023, 1],
  ['does not accept it for a week', -1, 9],
])(
  'a shipment of an order that was refunded in full sends no event when WeChat %s',
  async (_, errcode, days) => {
    const sale = await shop.sell()
    shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: -1, times: 1 })
    await ship(sale)
    const body = {
      outTradeNo: sale.outTradeNo,
      outRefundNo: `R-${sale.outTradeNo}`,
      refundFee: 2800,
    }
    await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
    shop.advance(HOUR_MS)
    await shop.deliverNotifications()
    refuse(errcode)
    for (let hours = 0; hours < days * 24; hours += 12) {
      shop.advance(12 * HOUR_MS)
      await shop.cron()
    }
    expect([await stateOf(sale), await receivedEvents(sale)]).toEqual(['FAILED', []])
  },
)

test('a shipment refused for good sends one event, with WeChat’s text, after order.paid', async () => {
  const sale = await shop.sell()
  refuse(10060004, '支付单处于不可发货的状态')
  const answer = await ship(sale)
  expect(answer.json).toMatchObject({ status: 409, code: 'shipping_refused' })
  expect(answer.json['detail']).toMatch(
    /^WeChat answered 10060004 \(“支付单处于不可发货的状态, rid: [^”]*”\): the order cannot be shipped/,
  )
  expect(await receivedEvents(sale)).toMatchObject([
    {
      tradeState: 'SUCCESS',
      shippingState: 'FAILED',
      errCode: '10060004',
      errText: expect.stringMatching(/^支付单处于不可发货的状态/),
    },
  ])
  const types = await shop.sql('select type from events where out_trade_no = $1 order by seq', [
    sale.outTradeNo,
  ])
  expect(types.map(({ type }) => type)).toEqual(['order.paid', 'shipping.failed'])
})

test('a final refusal in cron also sends the event', async () => {
  const sale = await shop.sell()
  refuse(-1)
  await ship(sale)
  shop.wechat.clearFaults()
  refuse(10060031)
  shop.advance(61 * SECOND_MS)
  await shop.cron()
  expect(await stateOf(sale)).toBe('FAILED')
  expect(await receivedEvents(sale)).toMatchObject([{ errCode: '10060031' }])
})

test('refusals of concurrent requests send one event', async () => {
  const sale = await shop.sell()
  await ship(sale)
  await shop.sql(
    `update shipments set shipping_state = 'PENDING', next_attempt_at = now() where out_trade_no = $1`,
    [sale.outTradeNo],
  )
  refuse(10060004)
  await Promise.all([shop.cron(), shop.cron(), shop.cron()])
  expect(await receivedEvents(sale)).toHaveLength(1)
})

/** The overview: what waits for a person, and the takings, as one statement each. */
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { complain, openComplainedShop } from '../support/complaints.ts'
import { paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import type { Json, Shop } from '../support/shop.ts'

const DAY_MS = 86_400_000

const refundsOfDay = v.object({ refunds: v.object({ count: v.number(), refundFee: v.number() }) })

let shop: Shop
beforeAll(async () => {
  // Yesterday's bill is ready at this time of the day.
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T12:00:00+08:00') })
  shop = await openComplainedShop()
})
afterAll(() => shop.close())

const get = async (path: string) =>
  (await shop.call('GET', `/api/console/${path}`, { token: shop.merchantKey })).json
const refund = async (outTradeNo: string, outRefundNo: string, refundFee: number) =>
  shop.call('POST', '/api/refund', {
    token: shop.merchantKey,
    body: { outTradeNo, outRefundNo, refundFee },
  })

async function watched(complaintId: string): Promise<Json> {
  await shop.deliverNotifications()
  return get(`complaints?id=${complaintId}`)
}

test('of a new shop is empty', async () => {
  expect(await get('overview')).toMatchObject({
    incidents: { count: 0 },
    parkedEvents: { count: 0 },
    shipments: { count: 0 },
    complaints: { unanswered: { count: 0 }, unfinished: { count: 0 } },
    refunds: { count: 0, first: [] },
    bills: [],
    takings: { payments: { count: 0, totalFee: 0 }, refunds: { count: 0, refundFee: 0 } },
  })
})

test('takings are counted by the day in Beijing, and a closed refund does not count', async () => {
  const { outTradeNo } = await shop.sell()
  await shop.sell()
  await refund(outTradeNo, 'taken-1', 700)
  await refund(outTradeNo, 'taken-2', 300)
  await shop.sql(`update refunds set refund_status = 'REFUNDCLOSE' where out_refund_no = 'taken-2'`)
  const today = {
    payments: { count: 2, totalFee: 5_600 },
    refunds: { count: 1, refundFee: 700 },
  }
  expect(await get('overview')).toMatchObject({ takings: today })
  // The last second of yesterday, and the first of today.
  const [{ midnight } = {}] = await shop.sql(
    `select (date_trunc('day', $1::timestamptz at time zone 'UTC' + interval '8 hours') - interval '8 hours') at time zone 'UTC' as midnight`,
    [new Date(Date.now())],
  )
  await shop.sql(
    `update payments set paid_at = $1::timestamptz - interval '1 second' where out_trade_no = $2`,
    [midnight, outTradeNo],
  )
  await shop.sql(`update payments set paid_at = $1::timestamptz where out_trade_no <> $2`, [
    midnight,
    outTradeNo,
  ])
  const one = { count: 1, totalFee: 2_800 }
  expect((await get('takings?days=2'))['days']).toMatchObject([
    { payments: one },
    { payments: one },
  ])
})

test.each(['days=0', 'days=367', 'days=1.5', 'from=2026-11-20'])(
  'takings are refused with %s',
  async (query) => {
    expect(await get(`takings?${query}`)).toMatchObject({ code: 'invalid_request' })
  },
)

test('counts what waits: an incident, a given-up event, a complaint, a refund and a bill', async () => {
  const { outTradeNo } = await complain(shop)
  await shop.deliverNotifications()
  const unpaid = await shop.placeOrder(await shop.logIn())
  await shop.notify(paymentMessage(shop, unpaid, paymentFacts(shop, unpaid, { totalFee: 1 })))
  await refund(outTradeNo, 'stuck-1', 100)
  await shop.sql(`update refunds set refund_status = 'CHANGE' where out_refund_no = 'stuck-1'`)
  await shop.world.settled()
  await shop.sql(
    `update events set delivered_at = null, next_attempt_at = null where type = 'payment.incident'`,
  )
  await shop.sql(
    `update orders set shipping_state = 'FAILED', refunded_fee = 0 where out_trade_no = $1`,
    [outTradeNo],
  )
  const shown = await get('overview')
  expect(shown).toMatchObject({
    incidents: { count: 1, oldest: expect.stringMatching(/\+08:00$/) },
    parkedEvents: { count: 1 },
    shipments: { count: 1 },
    complaints: { unanswered: { count: 1, deadline: expect.stringMatching(/\+08:00$/) } },
    refunds: { count: 1, first: [{ outRefundNo: 'stuck-1', refundStatus: 'CHANGE' }] },
  })
  expect(await get('shipments')).toMatchObject({ orders: [{ outTradeNo }] })
})

test('a complaint waits for a reply again once its payer has written, until its last deadline', async () => {
  await shop.sql(`update complaints set state = 'PROCESSED'`)
  const { outTradeNo, complaintId } = await complain(shop)
  const { replyBy, finishBy } = await watched(complaintId)
  const counted = async () => (await get('overview'))['complaints']
  expect(await counted()).toEqual({
    unanswered: { count: 1, deadline: replyBy },
    unfinished: { count: 0 },
  })
  await shop.call('POST', '/api/console/complaints', {
    token: shop.merchantKey,
    body: { complaintId, action: 'reply', content: '已补发' },
  })
  expect(await counted()).toEqual({
    unanswered: { count: 0 },
    unfinished: { count: 1, deadline: finishBy },
  })
  shop.wechat.complain({ outTradeNo })
  await watched(complaintId)
  expect(await counted()).toEqual({
    unanswered: { count: 1, deadline: finishBy },
    unfinished: { count: 0 },
  })
})

test('a bill waits until it is compared, and while its incidents are open', async () => {
  shop.advance(2 * DAY_MS)
  const bills = v.array(v.strictObject({ day: v.string() }))
  const days = v.parse(bills, (await get('overview'))['bills']).map((bill) => bill.day)
  expect(days).toHaveLength(2)
  const [day] = days
  await shop.sql(
    `insert into bills (day, compared_at, outcome, payments, refunds, settled, differences)
     select day::date, $1, 'compared', 1, 0, 0, case when day = $2 then 1 else 0 end from unnest($3::text[]) day`,
    [new Date(Date.now()), day, days],
  )
  expect((await get('overview'))['bills']).toEqual([])
  await shop.sql(
    `insert into incidents (fingerprint, kind, expected, received, source, occurred_at)
     values ('bill', 'unbilled', '{}', '{}', 'cron', $1)`,
    [new Date(Date.now() - 1_000)],
  )
  expect((await get('overview'))['bills']).toEqual([{ day, outcome: 'compared', differences: 1 }])
  await shop.sql(`update incidents set handled_at = now(), note = 'seen'`)
  expect((await get('overview'))['bills']).toEqual([])
})

test('takings count a refund that the merchant made with WeChat', async () => {
  const sums = async () => v.parse(v.array(refundsOfDay), (await get('takings?days=1'))['days'])
  const [before] = await sums()
  const { outTradeNo } = await shop.sell()
  shop.wechat.refundInConsole(outTradeNo, 500)
  shop.advance(5_000)
  await shop.deliverNotifications()
  // WeChat has not accepted this one.
  shop.wechat.setBalance(0)
  await refund(outTradeNo, 'not-accepted', 100)
  shop.wechat.setBalance(null)
  const [{ refunds } = { refunds: null }] = await sums()
  expect(refunds).toEqual({
    count: (before?.refunds.count ?? 0) + 1,
    refundFee: (before?.refunds.refundFee ?? 0) + 500,
  })
})

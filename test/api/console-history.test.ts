/** The history of one order: everything that is stored about it, as a time line. */
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { complain, openComplainedShop } from '../support/complaints.ts'
import { newTransactionId, paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import type { Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openComplainedShop()
})
afterAll(() => shop.close())

const read = (outTradeNo: string, token = shop.merchantKey) =>
  shop.call('GET', `/api/console/orders?outTradeNo=${outTradeNo}`, { token })
const timeline = v.array(
  v.object({ at: v.string(), kind: v.string(), facts: v.record(v.string(), v.unknown()) }),
)
const historyOf = async (outTradeNo: string) =>
  v.parse(timeline, (await read(outTradeNo)).json['timeline'])

test('an order that was only placed has one entry', async () => {
  const outTradeNo = await shop.placeOrder(await shop.logIn())
  expect((await read(outTradeNo)).json).toMatchObject({
    order: { outTradeNo, tradeState: 'NOTPAY' },
    timeline: [{ kind: 'placed', facts: { totalFee: 2_800 } }],
  })
})

test('a sold order shows payment, channel, refund, complaint, incident, events and attempts', async () => {
  const { outTradeNo, complaintId } = await complain(shop)
  await shop.deliverNotifications()
  const refund = { outTradeNo, outRefundNo: 'told-1', refundFee: 700, refundDesc: '<b>少一杯</b>' }
  await shop.call('POST', '/api/refund', { token: shop.merchantKey, body: refund })
  const other = paymentFacts(shop, outTradeNo, { transactionId: newTransactionId() })
  await shop.notify(paymentMessage(shop, outTradeNo, other))
  await shop.world.settled()
  const history = await historyOf(outTradeNo)
  const facts = (kind: string) =>
    history.filter((entry) => entry.kind === kind).map((entry) => entry.facts)
  expect(facts('payment_recorded')).toEqual([{ source: 'notify' }])
  expect(facts('paid')).toMatchObject([{ totalFee: 2_800 }])
  expect(facts('refund_requested')).toEqual([
    { outRefundNo: 'told-1', refundFee: 700, refundDesc: '<b>少一杯</b>' },
  ])
  expect(facts('refund_accepted')).toMatchObject([{ outRefundNo: 'told-1' }])
  expect(facts('complaint')).toEqual([{ complaintId, state: 'PENDING' }])
  expect(facts('incident')).toMatchObject([{ kind: 'transaction', source: 'notify' }])
  expect(facts('event').map(({ type }) => type)).toEqual(
    expect.arrayContaining(['order.paid', 'complaint.created', 'payment.incident']),
  )
  expect(facts('event_attempt')).toContainEqual(
    expect.objectContaining({ type: 'order.paid', code: 'delivered' }),
  )
  const times = history.map((entry) => entry.at)
  expect(times).toEqual(times.toSorted())
})

test('an unknown order is 404, and only the merchant may ask', async () => {
  expect(await read('no_such_order')).toMatchObject({
    status: 404,
    json: { code: 'order_not_found' },
  })
  expect(await read('no_such_order', await shop.logIn())).toMatchObject({
    json: { code: 'wrong_token' },
  })
  expect(await read('x')).toMatchObject({ json: { code: 'invalid_request' } })
})

/** The essentials of a shop, which `npm test` runs in every mode. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ledgerOf, UNTOUCHED } from '../stores/ledger-rows.ts'
import { openOrder } from '../support/attacked-shop.ts'
import {
  NOT_NOW,
  paymentMessage,
  REFUSED,
  refundMessage,
  sentMessage,
  TAKEN,
} from '../support/messages/messages.ts'
import { signType } from '../support/mode.ts'
import { requestRefund, summariseRefunds } from '../support/refunds.ts'
import { openShop, toPayment, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())
afterEach(() => shop.world.faults.database.up())

const notify = async (message: Parameters<Shop['notify']>[0]) => {
  const { status, code } = await shop.notify(message)
  await shop.world.settled()
  return { status, code }
}

test('an order is placed, prepaid, paid, queried and refunded, and each notification counts once', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  const payment = toPayment(await shop.prepay(token, outTradeNo))
  expect(payment.signType).toBe(signType)
  expect(shop.wechat.pay(payment)).toEqual({ errMsg: 'requestPayment:ok' })

  const notification = sentMessage(shop, outTradeNo)
  expect([await notify(notification), await notify(notification)]).toEqual([TAKEN, TAKEN])
  expect(await shop.query(token, outTradeNo)).toMatchObject({
    tradeState: 'SUCCESS',
    totalFee: 2800,
  })
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
    payments: [expect.any(String)],
    incidents: [],
    events: ['order.paid'],
  })

  const outRefundNo = `R-${outTradeNo}`
  expect(await requestRefund(shop, outTradeNo, outRefundNo, 1000)).toEqual([202, 'PROCESSING'])
  shop.advance(3_000)
  const [refund] = shop.wechat.refunds().filter((one) => one.outTradeNo === outTradeNo)
  const reported = refundMessage(shop, {
    outTradeNo,
    outRefundNo,
    refundFee: 1000,
    refundId: refund?.refundId ?? '',
  })
  expect([await notify(reported), await notify(reported)]).toEqual([TAKEN, TAKEN])
  expect(await summariseRefunds(shop, outTradeNo)).toBe(
    'REFUND 1000/1000: SUCCESS → refund.succeeded',
  )
})

test('an order that WeChat reports as paid only to a query is settled by it', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
  expect(shop.calls('query', outTradeNo)).toHaveLength(1)
})

test('a notification of another amount, or by a forger, pays nothing', async () => {
  const { outTradeNo } = await openOrder(shop)
  expect(await notify(paymentMessage(shop, outTradeNo, {}, 'a forger'))).toEqual(REFUSED)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
  expect(await notify(paymentMessage(shop, outTradeNo, { totalFee: 1 }))).toEqual(REFUSED)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject({ payments: [], incidents: ['amount'] })
})

test('a notification without a database is not taken, and WeChat sends it again', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  shop.world.faults.database.down()
  expect(await notify(sentMessage(shop, outTradeNo))).toEqual(NOT_NOW)
  shop.world.faults.database.up()
  expect(await notify(sentMessage(shop, outTradeNo))).toEqual(TAKEN)
})

test('an unpaid order is closed here and at WeChat', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  shop.advance(300_000)
  const closed = await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  expect(closed.json).toMatchObject({ tradeState: 'CLOSED' })
  expect(shop.calls('close', outTradeNo)).toHaveLength(1)
})

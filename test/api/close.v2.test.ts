/** WeChat's v2 closes no order in its first five minutes, so it is closed here first. */
import { expect, test } from 'vitest'
import {
  atWechat,
  close,
  eventTypes,
  inLedger,
  openClosingShop,
  outcome,
  outTradeNo,
  shop,
  sources,
  token,
} from '../support/closing.ts'
import { toPayment } from '../support/shop.ts'

openClosingShop()

test('an order younger than five minutes is closed here immediately, and at WeChat by cron once WeChat allows it', async () => {
  await shop.prepay(token, outTradeNo)
  expect(outcome(await close())).toEqual([200, 'CLOSED'])
  shop.advance(299_000)
  await shop.cron()
  expect(atWechat()).toBe('NOTPAY')
  shop.advance(1_000)
  await shop.cron()
  expect(atWechat()).toBe('CLOSED')
  expect(eventTypes()).toEqual(['order.closed'])
})

test('prepay signs no payment for an order that is closed here but not yet at WeChat', async () => {
  await shop.prepay(token, outTradeNo)
  await close()
  const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  expect(outcome(answer)).toEqual([409, 'order_closed'])
})

test('a late payment of an order that is closed only here is settled by its notification', async () => {
  const args = await shop.prepay(token, outTradeNo)
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:ok' })
  await shop.deliverNotifications()
  expect([await inLedger(), await sources(), eventTypes()]).toEqual([
    'SUCCESS',
    ['notify'],
    ['order.closed', 'order.paid'],
  ])
})

test('a late payment of an order that is closed only here is settled by cron', async () => {
  const args = await shop.prepay(token, outTradeNo)
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:ok' })
  shop.advance(300_000)
  await shop.cron()
  expect([await inLedger(), await sources(), eventTypes()]).toEqual([
    'SUCCESS',
    ['cron'],
    ['order.closed', 'order.paid'],
  ])
})

test('closing an order again after a late payment answers that it is paid', async () => {
  const args = await shop.prepay(token, outTradeNo)
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:ok' })
  await shop.deliverNotifications()
  expect(outcome(await close())).toEqual([409, 'order_paid'])
})

/** WeChat's v2 closes no order in its first five minutes, so it is closed here first. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openShop, toPayment, type Answer, type Shop } from '../support/shop.ts'

const PAYER = 'oPayer0000000000000000000001'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  // The simulator sends no notification by itself; a test that needs one delivers it.
  await shop.wechat.stop()
})
beforeEach(async () => {
  token = await shop.logIn(PAYER)
  outTradeNo = await shop.placeOrder(token)
})
afterEach(async () => {
  shop.wechat.clearFaults()
  shop.world.faults.redis.up()
  shop.world.faults.database.up()
  await shop.world.settled()
})
afterAll(() => shop.close())

const close = async (as = token): Promise<Answer> => {
  const answer = await shop.call('POST', '/api/close', { token: as, body: { outTradeNo } })
  await shop.world.settled()
  return answer
}
const outcome = ({ status, json }: Answer) => [status, json['code'] ?? json['tradeState']]
const atWechat = () =>
  shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.tradeState
const inLedger = async () =>
  (await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]))[0]?.[
    'trade_state'
  ]
const sources = async () =>
  (await shop.sql('select source from payments where out_trade_no = $1', [outTradeNo])).map(
    (payment) => payment['source'],
  )
const eventTypes = () =>
  shop.world.events
    .filter(({ body }) => body.includes(outTradeNo))
    .map(({ body }) => /"type":"([^"]+)"/.exec(body)?.[1])
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

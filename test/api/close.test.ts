import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { readOrder } from '../../lib/stores/rows.ts'
import { wire } from '../../lib/composition.ts'
import { openShop, toPayment, type Answer, type Shop } from '../support/shop.ts'

const PAYER = 'oPayer0000000000000000000001'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  // A notification goes out only where a test says so: until then it is lost.
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
const told = () =>
  shop.world.events
    .filter(({ body }) => body.includes(outTradeNo))
    .map(({ body }) => /"type":"([^"]+)"/.exec(body)?.[1])
/** An order that WeChat knows and is old enough to close. */
const prepayAndWait = async () => {
  const args = await shop.prepay(token, outTradeNo)
  shop.advance(300_000)
  return args
}

test('an unpaid order is closed here and at WeChat', async () => {
  await prepayAndWait()
  const { status, json } = await close()
  expect([status, json]).toMatchObject([200, { outTradeNo, tradeState: 'CLOSED', totalFee: 2800 }])
  expect([await inLedger(), atWechat()]).toEqual(['CLOSED', 'CLOSED'])
})

test('the merchant hears once that an order was closed', async () => {
  await prepayAndWait()
  await Promise.all([close(), close(), close()])
  await close()
  expect(told()).toEqual(['order.closed'])
})

test('closing a closed order again is answered alike, without asking WeChat', async () => {
  await prepayAndWait()
  const first = await close()
  const before = shop.wechat.wire.length
  expect(await close()).toMatchObject({ status: 200, json: first.json })
  expect(shop.wechat.wire.length).toBe(before)
})

test('the merchant may close a payer’s order', async () => {
  expect(outcome(await close(shop.merchantKey))).toEqual([200, 'CLOSED'])
})

test('a closed order takes no payment any more', async () => {
  const args = await prepayAndWait()
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:fail 订单失效' })
})

test('an order WeChat never heard of is closed here', async () => {
  expect(outcome(await close())).toEqual([200, 'CLOSED'])
  expect(atWechat()).toBeUndefined()
})

test('an order that WeChat does not know is closed for good only once it has expired: until then it may reach WeChat and be paid', async () => {
  const isClosedForGood = async () =>
    (
      await shop.sql('select closed_at_wechat from orders where out_trade_no = $1', [outTradeNo])
    )[0]?.['closed_at_wechat']
  // A prepay is under way, and its order reaches WeChat after the closing did.
  const { wechat } = wire()
  const [order] = await shop.sql(
    'select to_jsonb(o) as "order" from orders o where out_trade_no = $1',
    [outTradeNo],
  )
  await close()
  expect(await isClosedForGood()).toBe(false)
  const placed = await wechat.placeOrder(readOrder(order?.['order']).order)
  const prepayId = placed.ok && placed.value.outcome === 'placed' ? placed.value.prepayId : ''
  expect(shop.wechat.pay(wechat.signPayment(prepayId, new Date()))).toEqual({
    errMsg: 'requestPayment:ok',
  })
  await shop.cron()
  expect([await inLedger(), await sources()]).toEqual(['SUCCESS', ['cron']])
})

test('an order that WeChat does not know is closed for good by cron once it has expired', async () => {
  await close()
  shop.advance(2 * 3_600_000 + 1_000)
  await shop.cron()
  expect(
    await shop.sql('select closed_at_wechat from orders where out_trade_no = $1', [outTradeNo]),
  ).toEqual([{ closed_at_wechat: true }])
})

test('an order that is paid at WeChat is not closed but settled, though its notification was lost', async () => {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  shop.advance(300_000)
  expect(outcome(await close())).toEqual([409, 'order_paid'])
  expect([await inLedger(), await sources(), told()]).toEqual([
    'SUCCESS',
    ['close'],
    ['order.paid'],
  ])
})

test('an order paid within its first five minutes is not closed either', async () => {
  await shop.pay(token, outTradeNo)
  expect(outcome(await close())).toEqual([409, 'order_paid'])
  expect([await inLedger(), await sources()]).toEqual(['SUCCESS', ['close']])
})

test('a paid order cannot be closed, and WeChat is not asked', async () => {
  await shop.pay(token, outTradeNo)
  await shop.query(token, outTradeNo)
  const before = shop.wechat.wire.length
  expect(outcome(await close())).toEqual([409, 'order_paid'])
  expect(shop.wechat.wire.length).toBe(before)
})

test('an order younger than five minutes is closed here at once, at WeChat by cron when it may be', async () => {
  await shop.prepay(token, outTradeNo)
  expect(outcome(await close())).toEqual([200, 'CLOSED'])
  shop.advance(299_000)
  await shop.cron()
  expect(atWechat()).toBe('NOTPAY')
  shop.advance(1_000)
  await shop.cron()
  expect(atWechat()).toBe('CLOSED')
  expect(told()).toEqual(['order.closed'])
})

test('nobody gets a signature for an order closed here only', async () => {
  await shop.prepay(token, outTradeNo)
  await close()
  const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  expect(outcome(answer)).toEqual([409, 'order_closed'])
})

test('a payment that slips in on an order closed here only wins, by notice', async () => {
  const args = await shop.prepay(token, outTradeNo)
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:ok' })
  await shop.deliverNotifications()
  expect([await inLedger(), await sources(), told()]).toEqual([
    'SUCCESS',
    ['notify'],
    ['order.closed', 'order.paid'],
  ])
})

test('a payment that slips in on an order closed here only wins, by cron', async () => {
  const args = await shop.prepay(token, outTradeNo)
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:ok' })
  shop.advance(300_000)
  await shop.cron()
  expect([await inLedger(), await sources(), told()]).toEqual([
    'SUCCESS',
    ['cron'],
    ['order.closed', 'order.paid'],
  ])
})

test('closing again an order on which a payment slipped in says that it is paid', async () => {
  const args = await shop.prepay(token, outTradeNo)
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:ok' })
  await shop.deliverNotifications()
  expect(outcome(await close())).toEqual([409, 'order_paid'])
})

test.each([
  ['drop', 503, 'wechat_unknown'],
  ['http-500', 503, 'wechat_unknown'],
  ['wrong-key', 502, 'wechat_untrusted'],
  ['unsigned', 502, 'wechat_untrusted'],
  ['wrong-appid', 502, 'wechat_untrusted'],
  ['html', 502, 'wechat_untrusted'],
] as const)(
  'when WeChat’s answer is spoilt (%s) the order stays open',
  async (fault, status, code) => {
    await prepayAndWait()
    shop.wechat.misbehave({ on: 'closeorder', times: 1, do: fault })
    expect(outcome(await close())).toEqual([status, code])
    expect(await inLedger()).toBe('NOTPAY')
  },
)

test('closing again after WeChat’s answer was lost finds it done', async () => {
  await prepayAndWait()
  shop.wechat.misbehave({ on: 'closeorder', times: 1, do: 'lose-answer' })
  expect(outcome(await close())).toEqual([503, 'wechat_unknown'])
  expect(outcome(await close())).toEqual([200, 'CLOSED'])
  expect(told()).toEqual(['order.closed'])
})

test('a WeChat that neither closes nor tells why leaves the order open', async () => {
  await prepayAndWait()
  shop.wechat.misbehave({ on: 'closeorder', do: 'err-code', errCode: 'SIGNERROR' })
  expect(outcome(await close())).toEqual([502, 'wechat_misconfigured'])
  expect(await inLedger()).toBe('NOTPAY')
})

test('closing does not need Redis', async () => {
  await prepayAndWait()
  shop.world.faults.redis.down()
  expect(outcome(await close())).toEqual([200, 'CLOSED'])
})

test('without the database nothing is closed, here or at WeChat', async () => {
  await prepayAndWait()
  shop.world.faults.database.down()
  expect(outcome(await close())).toEqual([503, 'unavailable'])
  shop.world.faults.database.up()
  expect([await inLedger(), atWechat()]).toEqual(['NOTPAY', 'NOTPAY'])
})

test('a payment and a closing at the same moment leave one of both, here as at WeChat', async () => {
  const args = toPayment(await prepayAndWait())
  const closing = close()
  const paid = shop.wechat.pay(args).errMsg === 'requestPayment:ok'
  const answer = await closing
  await shop.deliverNotifications()
  expect(outcome(answer)).toEqual(paid ? [409, 'order_paid'] : [200, 'CLOSED'])
  expect(await inLedger()).toBe(atWechat())
})

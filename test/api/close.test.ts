import { expect, test } from 'vitest'
import { readOrder } from '../../lib/stores/rows.ts'
import { thisInstance } from '../../lib/composition.ts'
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
import { inProtocol } from '../support/mode.ts'
import { toPayment } from '../support/shop.ts'

openClosingShop()

/** Prepays, then waits until WeChat accepts a close: an order must be at least five minutes old. */
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

test('the merchant receives one event for a closed order', async () => {
  await prepayAndWait()
  await Promise.all([close(), close(), close()])
  await close()
  expect(eventTypes()).toEqual(['order.closed'])
})

test('closing a closed order again gives the same answer and does not call WeChat', async () => {
  await prepayAndWait()
  const first = await close()
  const before = shop.wechat.messageLog.length
  expect(await close()).toMatchObject({ status: 200, json: first.json })
  expect(shop.wechat.messageLog.length).toBe(before)
})

test('the merchant may close a payer’s order', async () => {
  expect(outcome(await close(shop.merchantKey))).toEqual([200, 'CLOSED'])
})

test('a closed order can no longer be paid', async () => {
  const args = await prepayAndWait()
  await close()
  expect(shop.wechat.pay(toPayment(args))).toEqual({ errMsg: 'requestPayment:fail 订单失效' })
})

test('an order that WeChat does not know is closed here', async () => {
  expect(outcome(await close())).toEqual([200, 'CLOSED'])
  expect(atWechat()).toBeUndefined()
})

test('an order that WeChat does not know can still be placed and paid there until it expires, so it counts as closed for good only then', async () => {
  const isClosedForGood = async () =>
    (
      await shop.sql('select closed_at_wechat from orders where out_trade_no = $1', [outTradeNo])
    )[0]?.['closed_at_wechat']
  // A concurrent prepay reaches WeChat after the close.
  const { gateway } = thisInstance().deps
  const [order] = await shop.sql(
    'select to_jsonb(o) as "order" from orders o where out_trade_no = $1',
    [outTradeNo],
  )
  await close()
  expect(await isClosedForGood()).toBe(false)
  const stored = readOrder(order?.['order']).order
  const wechat = gateway(stored.account)
  const placed = await wechat.placeOrder(stored, new Date())
  const prepayId = placed.ok && placed.value.outcome === 'placed' ? placed.value.prepayId : ''
  expect(shop.wechat.pay(await wechat.signPayment(prepayId, new Date()))).toEqual({
    errMsg: 'requestPayment:ok',
  })
  await shop.cron()
  expect([await inLedger(), await sources()]).toEqual(['SUCCESS', ['cron']])
})

test('cron closes an order that WeChat does not know for good once the order has expired', async () => {
  await close()
  shop.advance(2 * 3_600_000 + 1_000)
  await shop.cron()
  expect(
    await shop.sql('select closed_at_wechat from orders where out_trade_no = $1', [outTradeNo]),
  ).toEqual([{ closed_at_wechat: true }])
})

test('closing an order that is paid at WeChat settles it, even if its notification was lost', async () => {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  shop.advance(300_000)
  expect(outcome(await close())).toEqual([409, 'order_paid'])
  expect([await inLedger(), await sources(), eventTypes()]).toEqual([
    'SUCCESS',
    ['close'],
    ['order.paid'],
  ])
})

test('an order paid within its first five minutes is settled, not closed', async () => {
  await shop.pay(token, outTradeNo)
  expect(outcome(await close())).toEqual([409, 'order_paid'])
  expect([await inLedger(), await sources()]).toEqual(['SUCCESS', ['close']])
})

test('a paid order cannot be closed, and WeChat is not called', async () => {
  await shop.pay(token, outTradeNo)
  await shop.query(token, outTradeNo)
  const before = shop.wechat.messageLog.length
  expect(outcome(await close())).toEqual([409, 'order_paid'])
  expect(shop.wechat.messageLog.length).toBe(before)
})

test.each([
  ['drop', 503, 'wechat_unknown'],
  ['http-500', 503, 'wechat_unknown'],
  ['wrong-key', 502, 'wechat_untrusted'],
  ['unsigned', 502, 'wechat_untrusted'],
  // The answer of APIv3 has no content.
  ...inProtocol<['wrong-appid', 502, 'wechat_untrusted'][]>({
    v2: [['wrong-appid', 502, 'wechat_untrusted']],
    v3: [],
  }),
  ['html', 502, 'wechat_untrusted'],
] as const)(
  'the order stays open when WeChat’s answer is unusable (%s)',
  async (fault, status, code) => {
    await prepayAndWait()
    shop.wechat.misbehave({ on: 'closeorder', do: fault })
    expect(outcome(await close())).toEqual([status, code])
    expect(await inLedger()).toBe('NOTPAY')
  },
)

test('closing again after WeChat’s answer was lost finds the order closed', async () => {
  await prepayAndWait()
  shop.wechat.misbehave({ on: 'closeorder', do: 'lose-answer' })
  expect(outcome(await close())).toEqual([503, 'wechat_unknown'])
  shop.wechat.clearFaults()
  expect(outcome(await close())).toEqual([200, 'CLOSED'])
  expect(eventTypes()).toEqual(['order.closed'])
})

test('the order stays open when WeChat refuses to close it without a usable reason', async () => {
  await prepayAndWait()
  shop.wechat.misbehave({
    on: 'closeorder',
    do: 'err-code',
    errCode: inProtocol({ v2: 'SIGNERROR', v3: 'SIGN_ERROR' }),
  })
  expect(outcome(await close())).toEqual([502, 'wechat_misconfigured'])
  expect(await inLedger()).toBe('NOTPAY')
})

test('closing works without Redis', async () => {
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

test('of a payment and a close at the same moment exactly one succeeds, the same one here and at WeChat', async () => {
  const args = toPayment(await prepayAndWait())
  const closing = close()
  const paid = shop.wechat.pay(args).errMsg === 'requestPayment:ok'
  const answer = await closing
  await shop.deliverNotifications()
  expect(outcome(answer)).toEqual(paid ? [409, 'order_paid'] : [200, 'CLOSED'])
  expect(await inLedger()).toBe(atWechat())
})

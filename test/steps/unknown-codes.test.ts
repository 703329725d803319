/** An unknown code makes no final decision, in any call. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { inProtocol } from '../support/mode.ts'
import { requestRefund } from '../support/refunds.ts'
import { openShop, type Answer, type Shop } from '../support/shop.ts'

const TOMORROW = {
  do: 'err-code',
  errCode: 'A_CODE_OF_TOMORROW',
  errCodeDes: 'something new',
} as const
/** In APIv3 an unknown code leaves the outcome unknown. */
const REFUSED = inProtocol({ v2: [502, 'wechat_refused'], v3: [503, 'wechat_unknown'] })

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => shop.wechat.clearFaults())
afterAll(() => shop.close())

const outcome = ({ status, json }: Answer) => [
  status,
  json['code'] ?? json['tradeState'] ?? json['refundStatus'],
]
const query = async (outTradeNo: string) =>
  outcome(
    await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token: shop.merchantKey }),
  )

test('unified order: the order stays open, and prepay works later', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  shop.wechat.misbehave({ on: 'unifiedorder', ...TOMORROW })
  expect(outcome(await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } }))).toEqual(
    REFUSED,
  )
  shop.wechat.clearFaults()
  expect(await query(outTradeNo)).toEqual([200, 'NOTPAY'])
  await shop.pay(token, outTradeNo)
  expect(await query(outTradeNo)).toEqual([200, 'SUCCESS'])
})

test('order query: nothing is settled or closed, not even by cron after the order has expired', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  shop.wechat.misbehave({ on: 'orderquery', ...TOMORROW })
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  expect(await query(outTradeNo)).toEqual(REFUSED)
  shop.advance(3 * 3_600_000)
  await shop.cron()
  expect(
    await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]),
  ).toEqual([{ trade_state: 'NOTPAY' }])
  shop.wechat.clearFaults()
  await shop.cron()
  expect(await query(outTradeNo)).toEqual([200, 'SUCCESS'])
})

test('close: the order is closed for good only once WeChat has closed it', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.prepay(token, outTradeNo)
  shop.advance(6 * 60_000)
  const atWechat = () =>
    shop.sql('select trade_state, closed_at_wechat from orders where out_trade_no = $1', [
      outTradeNo,
    ])
  shop.wechat.misbehave({ on: 'closeorder', ...TOMORROW })
  const close = async () =>
    outcome(await shop.call('POST', '/api/close', { token, body: { outTradeNo } }))
  // v2 documents no code for an order that is too young, so any code may mean that.
  expect(await close()).toEqual(inProtocol({ v2: [200, 'CLOSED'], v3: REFUSED }))
  shop.advance(60_000)
  await shop.cron()
  const state = inProtocol({ v2: 'CLOSED', v3: 'NOTPAY' })
  expect(await atWechat()).toEqual([{ trade_state: state, closed_at_wechat: false }])
  shop.wechat.clearFaults()
  expect(await close()).toEqual([200, 'CLOSED'])
  shop.advance(60_000)
  await shop.cron()
  expect(await atWechat()).toEqual([{ trade_state: 'CLOSED', closed_at_wechat: true }])
})

test('refund query: the refund does not change, and is queried again', async () => {
  const { outTradeNo } = await shop.sell()
  expect(await requestRefund(shop, outTradeNo, 'UNKNOWN-QUERY-1', 700)).toEqual([202, 'PROCESSING'])
  const ask = async () =>
    outcome(
      await shop.call('GET', '/api/refund?outRefundNo=UNKNOWN-QUERY-1', {
        token: shop.merchantKey,
      }),
    )
  shop.wechat.misbehave({ on: 'refundquery', ...TOMORROW })
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  shop.advance(60_000)
  expect(await ask()).toEqual(REFUSED)
  await shop.cron()
  shop.wechat.clearFaults()
  expect(await ask()).toEqual([200, 'SUCCESS'])
})

test('login: there is no token, and the next login works', async () => {
  shop.wechat.misbehave({ on: 'jscode2session', do: 'errcode', errcode: 99_999, times: 1 })
  const code = shop.wechat.issueCode()
  expect(outcome(await shop.call('POST', '/api/login', { body: { code } }))).toEqual([
    502,
    'wechat_refused',
  ])
  expect((await shop.call('POST', '/api/login', { body: { code } })).status).toBe(200)
})

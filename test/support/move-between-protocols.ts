import { expect, vi } from 'vitest'
import { dayOf, plusDays, startOf } from '../../lib/core/day.ts'
import { requestRefund, summariseRefunds } from './refunds.ts'
import { toPayment, type Shop } from './shop.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** The replacement of the key that WeChat signs with. Between the two steps both keys are valid. */
export interface KeyReplacement {
  begin(): void
  end(): void
}

/**
 * Moves a shop with both protocols from APIv2 to APIv3 and back, with open orders and refunds under
 * way, and replaces WeChat's key in between. Each order, and each of its refunds, must be finished
 * once, with the API of the order. The bill of the day must agree with the ledger in both APIs.
 */
export async function moveBetweenProtocols(shop: Shop, key: KeyReplacement): Promise<void> {
  const day = plusDays(dayOf(new Date()), 1)
  vi.setSystemTime(startOf(day).getTime() + 10 * HOUR_MS)
  const useFor = (protocol: string) => vi.stubEnv('WECHAT_PAY_API', protocol)
  const token = await shop.logIn()
  const place = async () => {
    const outTradeNo = await shop.placeOrder(token)
    return { outTradeNo, payment: toPayment(await shop.prepay(token, outTradeNo)) }
  }
  const pay = async ({ payment }: Awaited<ReturnType<typeof place>>) => {
    expect(shop.wechat.pay(payment)).toEqual({ errMsg: 'requestPayment:ok' })
    await shop.deliverNotifications()
  }

  useFor('v2')
  const [open, paid] = [await place(), await place()]
  await pay(paid)
  expect(await requestRefund(shop, paid.outTradeNo, 'R-v2-1', 1000)).toEqual([202, 'PROCESSING'])

  useFor('v3')
  const [moved, waiting] = [await place(), await place()]
  await pay(moved)
  expect(await requestRefund(shop, moved.outTradeNo, 'R-v3-1', 800)).toEqual([202, 'PROCESSING'])
  shop.advance(2 * MINUTE_MS)
  key.begin()
  await pay(waiting)
  await pay(open)
  expect(await requestRefund(shop, paid.outTradeNo, 'R-v2-2', 1800)).toEqual([202, 'PROCESSING'])
  shop.advance(2 * MINUTE_MS)
  key.end()

  useFor('v2')
  const back = await place()
  await pay(back)
  expect(await requestRefund(shop, moved.outTradeNo, 'R-v3-2', 2000)).toEqual([202, 'PROCESSING'])
  expect(shop.wechat.notifications().map(({ rounds }) => rounds)).not.toContain(2)
  shop.advance(HOUR_MS)
  await shop.deliverNotifications()
  await shop.cron()

  const stateOf = async ({ outTradeNo, payment }: typeof open) => {
    const [row] = await shop.sql('select * from orders where out_trade_no = $1', [outTradeNo])
    return [payment.signType, row?.['protocol'], row?.['trade_state']]
  }
  expect(await Promise.all([open, paid, moved, waiting, back].map(stateOf))).toEqual([
    ['HMAC-SHA256', 'v2', 'SUCCESS'],
    ['HMAC-SHA256', 'v2', 'REFUND'],
    ['RSA', 'v3', 'REFUND'],
    ['RSA', 'v3', 'SUCCESS'],
    ['HMAC-SHA256', 'v2', 'SUCCESS'],
  ])
  for (const { outTradeNo } of [paid, moved])
    expect(await summariseRefunds(shop, outTradeNo)).toContain('REFUND 2800/2800')

  vi.setSystemTime(startOf(plusDays(day, 1)).getTime() + 11 * HOUR_MS)
  for (const [protocol, path] of [
    ['v2', '/pay/downloadbill'],
    ['v3', '/v3/bill/tradebill'],
  ] as const) {
    useFor(protocol)
    const before = shop.countCalls(path)
    const bill = await shop.call('GET', `/api/cron?bill=${day}`, { token: shop.cronSecret })
    expect(bill.json).toMatchObject({
      bill: { outcome: 'compared', payments: 5, refunds: 4, settled: 0, differences: 0 },
    })
    expect(shop.countCalls(path)).toBe(before + 1)
  }
  await expectSameSums(shop)
  const types = shop.world.events.map(({ body }) => /"type":"([\w.]+)"/.exec(body)?.[1])
  expect(types.filter((type) => type === 'order.paid')).toHaveLength(5)
  expect(types.filter((type) => type === 'refund.succeeded')).toHaveLength(4)
  expect(types).toHaveLength(9)
}

/** WeChat and the ledger have the same money, from the same number of payments and refunds. */
async function expectSameSums(shop: Shop): Promise<void> {
  const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0)
  const paid = shop.wechat.orders().filter(({ payment }) => payment !== null)
  const refunds = shop.wechat.refunds().filter(({ refundStatus }) => refundStatus === 'SUCCESS')
  const [ledger] = await shop.sql(
    `select (select count(*)::integer from payments) as payments,
       (select sum(total_fee)::integer from payments) as paid,
       (select count(*)::integer from refunds where refund_status = 'SUCCESS') as refunds,
       (select sum(refund_fee)::integer from refunds where refund_status = 'SUCCESS') as refunded,
       (select count(*)::integer from incidents) as incidents`,
  )
  expect(ledger).toEqual({
    payments: paid.length,
    paid: sum(paid.map(({ totalFee }) => totalFee)),
    refunds: refunds.length,
    refunded: sum(refunds.map(({ refundFee }) => refundFee)),
    incidents: 0,
  })
}

import { expect, vi } from 'vitest'
import { requestRefund, summariseRefunds } from './refunds.ts'
import { toPayment, type Shop } from './shop.ts'

/**
 * Moves a shop with both protocols from APIv2 to APIv3 and back, with open orders and refunds under
 * way. Each order, and each of its refunds, must be finished with the API of the order.
 */
export async function moveBetweenProtocols(shop: Shop): Promise<void> {
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
  const moved = await place()
  await pay(moved)
  await pay(open)
  expect(await requestRefund(shop, moved.outTradeNo, 'R-v3-1', 800)).toEqual([202, 'PROCESSING'])
  expect(await requestRefund(shop, paid.outTradeNo, 'R-v2-2', 1800)).toEqual([202, 'PROCESSING'])

  useFor('v2')
  const back = await place()
  await pay(back)
  expect(await requestRefund(shop, moved.outTradeNo, 'R-v3-2', 2000)).toEqual([202, 'PROCESSING'])
  shop.advance(3_600_000)
  await shop.deliverNotifications()
  await shop.cron()

  const stateOf = async ({ outTradeNo, payment }: typeof open) => {
    const [row] = await shop.sql('select * from orders where out_trade_no = $1', [outTradeNo])
    return [payment.signType, row?.['protocol'], row?.['trade_state']]
  }
  expect(await Promise.all([open, paid, moved, back].map(stateOf))).toEqual([
    ['HMAC-SHA256', 'v2', 'SUCCESS'],
    ['HMAC-SHA256', 'v2', 'REFUND'],
    ['RSA', 'v3', 'REFUND'],
    ['HMAC-SHA256', 'v2', 'SUCCESS'],
  ])
  for (const { outTradeNo } of [paid, moved])
    expect(await summariseRefunds(shop, outTradeNo)).toContain('REFUND 2800/2800')
  const types = shop.world.events.map(({ body }) => /"type":"([\w.]+)"/.exec(body)?.[1])
  expect(types.filter((type) => type === 'order.paid')).toHaveLength(4)
  expect(types.filter((type) => type === 'refund.succeeded')).toHaveLength(4)
  expect(types).toHaveLength(8)
}

/**
 * An order that was paid, then refunded in the merchant console, before any notification arrived.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { summariseRefunds } from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

/** An order that was paid and refunded at WeChat while the ledger knows of neither. */
async function refundedAtWechat(refundFee: number): Promise<{ token: string; outTradeNo: string }> {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  shop.wechat.refundInConsole(outTradeNo, refundFee)
  shop.advance(3_000)
  return { token, outTradeNo }
}

const ask: Record<string, (token: string, outTradeNo: string) => Promise<unknown>> = {
  query: (token, outTradeNo) => shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token }),
  // Longer than the cached prepay_id lives, so that WeChat is called.
  prepay: (token, outTradeNo) => {
    shop.advance(7_200_000)
    return shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  },
  close: (token, outTradeNo) => shop.call('POST', '/api/close', { token, body: { outTradeNo } }),
  cron: async () => {
    shop.advance(600_000)
    await shop.cron()
  },
}

describe.each(Object.entries(ask))('%s finds an order', (_, asking) => {
  test.each([
    ['a full refund', 2800],
    ['a partial refund', 1000],
  ])(
    'with %s, stores the order with its refund and delivers both events in order',
    async (_name, refundFee) => {
      const { token, outTradeNo } = await refundedAtWechat(refundFee)
      await asking(token, outTradeNo)
      expect(await summariseRefunds(shop, outTradeNo)).toBe(
        `REFUND ${refundFee}/${refundFee}: SUCCESS → refund.succeeded`,
      )
      const events = await shop.sql(
        'select type from events where out_trade_no = $1 order by seq',
        [outTradeNo],
      )
      expect(events.map(({ type }) => type)).toEqual(['order.paid', 'refund.succeeded'])
    },
  )
})

test('the answer of query contains the refunded amount', async () => {
  const { token, outTradeNo } = await refundedAtWechat(2800)
  const { json } = await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token })
  expect(json).toMatchObject({ tradeState: 'REFUND', refundedFee: 2800 })
})

test('nothing is settled or delivered while WeChat does not list the refunds', async () => {
  const { token, outTradeNo } = await refundedAtWechat(2800)
  shop.wechat.misbehave({ on: 'refundquery', do: 'html' })
  const { status } = await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token })
  expect(status).toBe(502)
  expect(
    await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]),
  ).toEqual([{ trade_state: 'NOTPAY' }])
})

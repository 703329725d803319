/** The set-up of the tests of `/api/refund`: one shop for a file, which sends no notification. */
import { afterAll, afterEach, beforeAll, vi } from 'vitest'
import { openShop, type Answer, type Shop } from './shop.ts'

export let shop: Shop

export function openRefundingShop(): void {
  beforeAll(async () => {
    shop = await openShop()
    await shop.wechat.stop()
  })
  afterAll(() => shop.close())
  afterEach(() => {
    vi.unstubAllEnvs()
    shop.wechat.clearFaults()
  })
}

/** A paid order of 2800 fen. */
export async function paidOrder(): Promise<{ token: string; outTradeNo: string }> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  return { token, outTradeNo }
}
export const requestRefund = (body: unknown, token: string | undefined = shop.merchantKey) =>
  shop.call('POST', '/api/refund', { token, body })
export const find = (outRefundNo: string, token: string | undefined = shop.merchantKey) =>
  shop.call('GET', `/api/refund?outRefundNo=${encodeURIComponent(outRefundNo)}`, { token })
export const codeOf = ({ status, json }: Answer) => [status, json['code']]
export const sentTo = (outRefundNo: string) => shop.calls('refund', outRefundNo)
export const claimedOf = async (outTradeNo: string) =>
  (await shop.sql('select claimed_fee from orders where out_trade_no = $1', [outTradeNo]))[0]?.[
    'claimed_fee'
  ]
export async function waitUntilPaidOut(): Promise<void> {
  shop.advance(3_000)
  await shop.deliverNotifications()
}

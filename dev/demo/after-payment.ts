import { awaitSettlement, shipInTwoParts } from './shipping.ts'
import type { Stage } from './stage.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000

/** The bill of yesterday is available from this hour on, in Beijing. */
const BILL_HOUR = 10

/**
 * Refunds a cookie, ships the rest, compares WeChat's bill the next morning, and waits for the
 * money. Returns true if all agree.
 */
export async function runStepsAfterPayment(stage: Stage, outTradeNo: string): Promise<boolean> {
  const { world, wechat, call, step, scene, sleep } = stage
  const { MERCHANT_API_KEY: merchant, CRON_SECRET: cron } = world.env
  const asked = {
    outTradeNo,
    outRefundNo: `R${outTradeNo}`,
    refundFee: 900,
    refundDesc: '曲奇卖完了',
  }
  await step('refund: one cookie is refunded', () => call('POST', '/api/refund', merchant, asked))
  sleep(10 * SECOND_MS)
  await scene(
    world.env['WECHAT_PAY_API'] === 'v3'
      ? 'refund notification: signed and encrypted'
      : 'refund notification: encrypted, not signed, so it counts after WeChat confirms it',
    'WeChat calls /api/notify',
    async () => ({
      notificationsSent: await wechat.tick(),
    }),
  )
  const refund = await step('the refund', () =>
    call('GET', `/api/refund?outRefundNo=${asked.outRefundNo}`, merchant),
  )
  const isShipped = await shipInTwoParts(stage, outTradeNo)

  const beijingHour = (new Date().getUTCHours() + 8) % 24
  sleep((24 - beijingHour + BILL_HOUR + 1) * HOUR_MS)
  const swept = await step('the next morning, cron: WeChat’s bill against the ledger', () =>
    call('GET', '/api/cron', cron),
  )
  const order = await awaitSettlement(stage, outTradeNo)
  const settled = world.events.filter(({ body }) => body.includes('order.settled')).length
  // QStash delivers elsewhere.
  const isReported = world.env['QSTASH_TOKEN'] !== undefined || settled === 1
  const incidents = world.events.filter(({ body }) => body.includes('payment.incident')).length
  return (
    refund['refundStatus'] === 'SUCCESS' &&
    isShipped &&
    order['orderState'] === 'FINISHED' &&
    isReported &&
    swept['reconciled'] === 1 &&
    order['refundedFee'] === asked.refundFee &&
    incidents === 0
  )
}

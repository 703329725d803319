import type { Stage } from './stage.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000

/** The bill of yesterday is available from this hour on, in Beijing. */
const BILL_HOUR = 10

/**
 * Refunds a cookie, ships the rest, and compares WeChat's bill the next morning. Returns true if
 * all agree.
 */
export async function runStepsAfterPayment(
  { world, wechat, call, step, scene, sleep }: Stage,
  outTradeNo: string,
): Promise<boolean> {
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
  const shipment = await step('shipping: the rest is reported to WeChat', () =>
    call('POST', '/api/shipping', merchant, {
      outTradeNo,
      logisticsType: 'self_pickup',
      items: [{ itemDesc: '拿铁，曲奇' }],
    }),
  )

  const beijingHour = (new Date().getUTCHours() + 8) % 24
  sleep((24 - beijingHour + BILL_HOUR + 1) * HOUR_MS)
  const swept = await step('the next morning, cron: WeChat’s bill against the ledger', () =>
    call('GET', '/api/cron', cron),
  )
  const order = await step('the final order', () =>
    call('GET', `/api/query?outTradeNo=${outTradeNo}`, merchant),
  )
  const incidents = world.events.filter(({ body }) => body.includes('payment.incident')).length
  return (
    refund['refundStatus'] === 'SUCCESS' &&
    shipment['shippingState'] === 'UPLOADED' &&
    swept['reconciled'] === 1 &&
    order['refundedFee'] === asked.refundFee &&
    incidents === 0
  )
}

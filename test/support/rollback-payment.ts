/**
 * Takes one payment through the bundled functions of 0.1.0, then refunds a part, ships the rest and
 * compares the bill: `node rollback-payment.ts <root>`, where `<root>/api/` contains the bundles.
 * It exits with 0 only if every step succeeded.
 */
import { takeOnePayment } from '../../dev/demo/payment.ts'
import { openStage } from '../../dev/demo/stage.ts'
import { startWorld } from '../../dev/world/world.ts'

const HOUR_MS = 3_600_000

const [root = ''] = process.argv.slice(2)
const world = await startWorld({ env: {}, root })
try {
  const stage = openStage(world)
  const outTradeNo = await takeOnePayment(stage)
  process.exitCode = outTradeNo !== null && (await runLaterSteps(outTradeNo)) ? 0 : 1

  async function runLaterSteps(number: string): Promise<boolean> {
    const { wechat, call, step, sleep } = stage
    const { MERCHANT_API_KEY: merchant, CRON_SECRET: cron } = world.env
    const asked = { outTradeNo: number, outRefundNo: `R${number}`, refundFee: 900 }
    await step('refund', () => call('POST', '/api/refund', merchant, asked))
    sleep(10_000)
    await wechat.tick()
    const refund = await step('the refund', () =>
      call('GET', `/api/refund?outRefundNo=${asked.outRefundNo}`, merchant),
    )
    const items = [{ itemDesc: '拿铁，曲奇' }]
    const shipment = await step('shipping', () =>
      call('POST', '/api/shipping', merchant, {
        outTradeNo: number,
        logisticsType: 'self_pickup',
        items,
      }),
    )
    // Eleven o'clock of the next day in Beijing, when the bill is available.
    const beijingHour = (new Date().getUTCHours() + 8) % 24
    sleep((24 - beijingHour + 11) * HOUR_MS)
    const swept = await step('cron', () => call('GET', '/api/cron', cron))
    const order = await step('the order', () =>
      call('GET', `/api/query?outTradeNo=${number}`, merchant),
    )
    return (
      refund['refundStatus'] === 'SUCCESS' &&
      shipment['shippingState'] === 'UPLOADED' &&
      swept['reconciled'] === 1 &&
      order['refundedFee'] === asked.refundFee &&
      !world.events.some(({ body }) => body.includes('payment.incident'))
    )
  }
} finally {
  await world.stop()
}

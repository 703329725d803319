/**
 * Takes one payment through the bundled functions of 0.1.0, then refunds a part, ships the rest and
 * compares the bill: `node rollback-payment.ts <root>`, where `<root>/api/` contains the bundles.
 * It exits with 0 only if every step succeeded.
 */
import { takeOnePayment } from '../../dev/demo/payment.ts'
import { expectThat, openStage } from '../../dev/demo/stage.ts'
import { startWorld } from '../../dev/world/world.ts'

const HOUR_MS = 3_600_000

const [root = ''] = process.argv.slice(2)
const world = await startWorld({ env: {}, root })
try {
  const stage = openStage(world)
  const outTradeNo = await takeOnePayment(stage)
  const { wechat, call, step, sleep } = stage
  const { MERCHANT_API_KEY: merchant, CRON_SECRET: cron } = world.env
  const asked = { outTradeNo, outRefundNo: `R${outTradeNo}`, refundFee: 900 }
  await step(
    'refund',
    () => call('POST', '/api/refund', merchant, asked),
    ({ refundFee }) => expectThat(refundFee === asked.refundFee, 'accepted'),
  )
  sleep(10_000)
  await wechat.tick()
  await step(
    'the refund',
    () => call('GET', `/api/refund?outRefundNo=${asked.outRefundNo}`, merchant),
    ({ refundStatus }) => expectThat(refundStatus === 'SUCCESS', 'SUCCESS'),
  )
  const items = [{ itemDesc: '拿铁，曲奇' }]
  await step(
    'shipping',
    () =>
      call('POST', '/api/shipping', merchant, {
        outTradeNo,
        logisticsType: 'self_pickup',
        items,
      }),
    ({ shippingState }) => expectThat(shippingState === 'UPLOADED', 'UPLOADED'),
  )
  // Eleven o'clock of the next day in Beijing, when the bill is available.
  const beijingHour = (new Date().getUTCHours() + 8) % 24
  sleep((24 - beijingHour + 11) * HOUR_MS)
  await step(
    'cron',
    () => call('GET', '/api/cron', cron),
    ({ reconciled }) => expectThat(reconciled === 1, 'one bill is compared'),
  )
  await step(
    'the order',
    () => call('GET', `/api/query?outTradeNo=${outTradeNo}`, merchant),
    ({ refundedFee }) =>
      expectThat(
        refundedFee === asked.refundFee &&
          !world.events.some(({ body }) => body.includes('payment.incident')),
        'without an incident',
      ),
  )
} finally {
  await world.stop()
}

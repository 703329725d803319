import { REFUND_FEE, TOTAL_FEE, yuan } from './amounts.ts'
import { deliverNotifications, isAcknowledged } from './notifications.ts'
import { awaitSettlement, shipInTwoParts } from './shipping.ts'
import { expectThat, type Stage } from './stage.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000

/** The bill of yesterday is available from this hour on, in Beijing. */
const BILL_HOUR = 10

/**
 * Refunds a cookie, ships the rest, compares WeChat's bill the next morning, and waits for the
 * money.
 */
export async function runStepsAfterPayment(stage: Stage, outTradeNo: string): Promise<void> {
  const { world, call, step, sleep } = stage
  await refundOneCookie(stage, outTradeNo)
  await shipInTwoParts(stage, outTradeNo)

  const beijingHour = (new Date().getUTCHours() + 8) % 24
  sleep((24 - beijingHour + BILL_HOUR + 1) * HOUR_MS)
  await step(
    'cron, the next morning',
    () => call('GET', '/api/cron', world.env.CRON_SECRET),
    ({ reconciled }) =>
      expectThat(
        reconciled === 1 && !world.events.some(({ body }) => body.includes('payment.incident')),
        'WeChat’s bill agrees with the ledger',
      ),
  )
  await awaitSettlement(stage, outTradeNo)
}

async function refundOneCookie(stage: Stage, outTradeNo: string): Promise<void> {
  const { world, wechat, call, step, scene, sleep } = stage
  const { MERCHANT_API_KEY: merchant } = world.env
  const outRefundNo = `R${outTradeNo}`
  const asked = { outTradeNo, outRefundNo, refundFee: REFUND_FEE, refundDesc: '曲奇卖完了' }
  await step(
    'refund of one cookie',
    () => call('POST', '/api/refund', merchant, asked),
    ({ refundStatus }) =>
      expectThat(refundStatus === 'PROCESSING', `WeChat accepts ${yuan(REFUND_FEE)}`),
  )
  sleep(10 * SECOND_MS)
  await scene(
    'the refund’s notification',
    'WeChat calls /api/notify',
    () => deliverNotifications(wechat, outTradeNo),
    () =>
      expectThat(
        isAcknowledged(wechat, outTradeNo),
        world.env['WECHAT_PAY_API'] === 'v3'
          ? 'signed, encrypted, and acknowledged'
          : 'encrypted and not signed, so it counts after WeChat confirms it',
      ),
  )
  await step(
    'the refund',
    () => call('GET', `/api/refund?outRefundNo=${outRefundNo}`, merchant),
    ({ refundStatus }) =>
      expectThat(refundStatus === 'SUCCESS', `SUCCESS, ${yuan(REFUND_FEE)} of ${yuan(TOTAL_FEE)}`),
  )
}

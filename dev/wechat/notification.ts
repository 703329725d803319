import { randomBytes } from 'node:crypto'
import { paymentFields } from './order-query.ts'
import type { Simulation } from './simulation.ts'
import type { Attempt, SimulatedNotification, StoredOrder } from './state.ts'
import { queueV3PaymentNotification } from './v3/notification.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
/**
 * Seconds between two deliveries, 24 h 4 min in total. WeChat does not publish whether the first
 * delivery counts. Here it does not.
 */
const RETRY_AFTER_SECONDS = [
  15,
  15,
  30,
  3 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  60 * MINUTE,
  3 * HOUR,
  3 * HOUR,
  3 * HOUR,
  6 * HOUR,
  6 * HOUR,
]

/** Queues the notification of a payment. Every delivery has the same bytes, including the nonce. */
export function queuePaymentNotification(simulation: Simulation, order: StoredOrder): void {
  if (order.signType === 'RSA') return queueV3PaymentNotification(simulation, order)
  const { account, state } = simulation
  state.notifications.push({
    outTradeNo: order.outTradeNo,
    url: order.notifyUrl,
    signType: order.signType,
    message: Object.fromEntries([
      ['return_code', 'SUCCESS'],
      ['appid', account.appid],
      ['mch_id', account.mchId],
      ['nonce_str', randomBytes(16).toString('hex')],
      ['result_code', 'SUCCESS'],
      ...paymentFields(order),
      ['out_trade_no', order.outTradeNo],
      ['attach', order.request['attach'] ?? ''],
    ]),
    reqInfo: null,
    v3: null,
    attempts: [],
    rounds: 0,
    acknowledged: false,
    nextDueAt: simulation.now(),
  })
}

/**
 * Records a delivery and sets the time of the next one. There is no next one after an
 * acknowledgement or the last interval.
 */
export function recordDelivery(
  notification: SimulatedNotification,
  startedAt: number,
  attempts: readonly Attempt[],
  acknowledged: boolean,
): void {
  const retryAfter = RETRY_AFTER_SECONDS[notification.rounds]
  notification.rounds += 1
  notification.attempts.push(...attempts)
  notification.acknowledged ||= acknowledged
  notification.nextDueAt =
    notification.acknowledged || retryAfter === undefined ? null : startedAt + retryAfter * 1000
}

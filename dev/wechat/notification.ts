import { randomBytes } from 'node:crypto'
import { paymentFields } from './order-query.ts'
import type { Simulation } from './simulation.ts'
import type { Attempt, SimulatedNotification, StoredOrder } from './state.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
/** Seconds from one delivery to the next, 24 h 4 min in all; whether the first delivery counts is not published: here it does not. */
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

/** Queues the news of a payment. Every delivery of it carries the same bytes, nonce included. */
export function queuePaymentNotification(simulation: Simulation, order: StoredOrder): void {
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
    attempts: [],
    rounds: 0,
    acknowledged: false,
    nextDueAt: simulation.now(),
  })
}

/** Notes how one delivery went and when the next is due: never again once acknowledged or after the last interval. */
export function noteRound(
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

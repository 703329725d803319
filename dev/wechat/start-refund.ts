/** Accepts a refund, from the merchant's server or from the merchant console. */
import { randomInt } from 'node:crypto'
import { err, ok, type Result } from './result.ts'
import { toBeijingDigits } from './beijing.ts'
import { queueRefundNotification } from './refund-notification.ts'
import { refundedFeeOf } from './refund.ts'
import { refusal, type Refusal } from './refusal.ts'
import type { Simulation } from './simulation.ts'
import type { StoredOrder, StoredRefund } from './state.ts'
import { queueV3RefundNotification } from './v3/notification.ts'

const REFUNDABLE_MS = 365 * 86_400_000
const MOST_REFUNDS = 50

export type RefundRequest = Pick<
  StoredRefund,
  'outRefundNo' | 'refundFee' | 'refundAccount' | 'requestSource' | 'api' | 'notifyUrl' | 'endsAs'
>

/**
 * Takes the money from the merchant's balance and starts the refund. It ends by the simulator's
 * clock.
 */
export function startRefund(
  simulation: Simulation,
  order: StoredOrder,
  request: RefundRequest,
): Result<StoredRefund, Refusal> {
  const refused = findObstacle(simulation, order, request.refundFee)
  if (refused !== null) return err(refused)
  const { state } = simulation
  const now = simulation.now()
  const refund = {
    ...request,
    refundId: newRefundId(now),
    createdAt: now,
    endsAt: now + state.settings.refundMs,
    endNoted: false,
    recovered: false,
    paidTo: null,
  }
  order.refunds.push(refund)
  if (state.balance !== null) state.balance -= refund.refundFee
  return ok(refund)
}

function findObstacle(
  { state, now }: Simulation,
  order: StoredOrder,
  refundFee: number,
): Refusal | null {
  const at = now()
  if (order.payment === null) return refusal('ORDERNOTEXIST', '订单不存在或未支付')
  if (at - order.payment.paidAt > REFUNDABLE_MS) return refusal('TRADE_OVERDUE')
  const refundedFee = refundedFeeOf(order, at)
  if (refundedFee === order.totalFee) return refusal('INVALID_REQUEST', '订单已全额退款')
  if (refundedFee + refundFee > order.totalFee)
    return refusal('INVALID_REQUEST', '累计退款金额大于订单金额，请核实后再试')
  if (order.refunds.length >= MOST_REFUNDS)
    return refusal('INVALID_REQUEST', `一笔订单最多部分退款${MOST_REFUNDS}次`)
  const latest = order.refunds.at(-1)
  if (latest !== undefined && at - latest.createdAt < state.settings.refundGapMs) {
    return refusal('FREQUENCY_LIMITED', '同一笔订单多次退款请求间隔过短，请稍后再试')
  }
  return state.balance !== null && state.balance < refundFee
    ? refusal('NOTENOUGH', '基本账户余额不足，请充值后重新发起')
    : null
}

/**
 * Notifies each refund that has ended since the last call, and returns the money of a closed one to
 * the balance.
 */
export function processEndedRefunds(simulation: Simulation): void {
  const { state } = simulation
  const now = simulation.now()
  for (const order of state.orders) {
    for (const refund of order.refunds) {
      if (refund.endNoted || now < refund.endsAt) continue
      refund.endNoted = true
      if (refund.endsAs === 'REFUNDCLOSE' && state.balance !== null)
        state.balance += refund.refundFee
      if (refund.api === 'v3') queueV3RefundNotification(simulation, order, refund)
      else queueRefundNotification(simulation, order, refund)
    }
  }
}

const newRefundId = (now: number): string =>
  `5030000250${toBeijingDigits(now).slice(0, 8)}${String(randomInt(10 ** 11)).padStart(11, '0')}`

import { describeFailure, describeRefusal } from '../core/describe-failure.ts'
import type { Failure } from '../core/failure.ts'
import type { LogFields } from '../core/log-fields.ts'
import { isPaid, type Order } from '../core/order.ts'
import { isFinalRefund, isOverdueRefund, type Refund } from '../core/refund.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { closeAtWechatThenHere } from './close.ts'
import type { Guard } from './guard.ts'
import { recordRefundIncident } from './refresh-refund.ts'
import { refreshOrder } from './refresh-order.ts'
import { resumeRefund } from './resume-refund.ts'
import { takeInRest } from './take-in-refunds.ts'

/** Asks, and closes at WeChat and here what has expired or was closed here only. A payment that slips in first wins. */
export const reconcileOrder = (
  deps: Deps,
  order: Order,
  guard: Guard,
): Promise<Result<Order, Failure>> =>
  finish(deps, { event: 'order_not_finished', order: order.outTradeNo }, guard, () =>
    askAndClose(deps, order),
  )

/** Logs why a unit of work is not finished, whether it failed or threw. */
async function finish<T>(
  deps: Deps,
  line: LogFields,
  guard: Guard,
  work: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  return guard(line, async () => {
    const finished = await work()
    if (!finished.ok) deps.log({ ...line, ...describeFailure(finished.error) })
    return finished
  })
}

async function askAndClose(deps: Deps, order: Order): Promise<Result<Order, Failure>> {
  const fresh = await refreshOrder(deps, order, 'cron')
  if (!fresh.ok || isPaid(fresh.value)) return fresh
  const { value } = fresh
  if (value.tradeState === 'CLOSED')
    return value.closedAtWechat ? ok(value) : closeAtWechatThenHere(deps, value, 'cron')
  return value.timeExpire <= deps.clock.now()
    ? closeAtWechatThenHere(deps, value, 'cron')
    : ok(value)
}

/**
 * Resumes a refund: asks WeChat about it, and sends it again under its number if WeChat does not know it. A refund that has
 * waited too long is parked after this attempt. For a closed one, only the refunds that it kept out are taken in.
 */
export const reconcileRefund = (
  deps: Deps,
  refund: Refund,
  guard: Guard,
): Promise<Result<Refund, Failure>> =>
  finish(deps, { event: 'refund_not_finished', order: refund.outTradeNo }, guard, () =>
    isFinalRefund(refund) ? storeOtherRefunds(deps, refund) : resumeOrPark(deps, refund),
  )

async function resumeOrPark(deps: Deps, refund: Refund): Promise<Result<Refund, Failure>> {
  const pursued = await resumeRefund(deps, refund)
  const [left, now] = [pursued.ok ? pursued.value : refund, deps.clock.now()]
  if (isOverdueRefund(left, now) && (await deps.refunds.park(left, now))) {
    const { outRefundNo, outTradeNo, errCode, errText } = left
    const detail = describeRefusal(outRefundNo, errText ?? '')
    deps.log({
      event: 'refund_parked',
      order: outTradeNo,
      detail,
      ...(errCode === null ? {} : { code: errCode }),
    })
  }
  return pursued
}

async function storeOtherRefunds(deps: Deps, closed: Refund): Promise<Result<Refund, Failure>> {
  const areAllHere = await takeInRest(deps, closed)
  const isDone = areAllHere.ok && areAllHere.value
  if (!isDone && !isOverdueRefund(closed, deps.clock.now()))
    return areAllHere.ok ? ok(closed) : areAllHere
  // Overdue, so this is given up: the ledger may lack refunds of this order that WeChat has made.
  const { outRefundNo, outTradeNo, refundStatus } = closed
  if (!isDone) await recordRefundIncident(deps, outTradeNo, { outRefundNo, refundStatus }, {})
  await deps.refunds.noteTakenIn(closed)
  return ok(closed)
}

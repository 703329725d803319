import { describeFailure, describeRefusal } from '../core/describe-failure.ts'
import { isPaid, type Order } from '../core/order.ts'
import { isFinalRefund, isOverdueRefund, type Refund } from '../core/refund.ts'
import { ok, type Outcome } from '../core/result.ts'
import { closeAtWechatThenHere } from './close.ts'
import type { Guard } from './guard.ts'
import { recordRefundIncident } from './record-incident.ts'
import { refreshOrder, type OrderDeps } from './refresh-order.ts'
import { adoptMissingRefunds, listRefunds, type RefundDeps } from './refresh-refund.ts'
import { resumeRefund } from './resume-refund.ts'

/**
 * Asks WeChat about an order, and closes it at WeChat and here if it is not paid, and has expired
 * or was closed here only.
 */
export const reconcileOrder = (deps: OrderDeps, order: Order, guard: Guard) =>
  logUnfinished(deps, guard, 'order_not_finished', order, async () => {
    const fresh = await refreshOrder(deps, order, 'cron')
    if (!fresh.ok || isPaid(fresh.value)) return fresh
    const { value } = fresh
    const isOver =
      value.tradeState === 'CLOSED' ? !value.closedAtWechat : value.timeExpire <= deps.clock.now()
    return isOver ? closeAtWechatThenHere(deps, value, 'cron') : fresh
  })

/**
 * Resumes a refund: asks WeChat about it, and sends it again under its number if WeChat does not
 * know it. A refund that has waited too long is parked after this attempt. For a closed refund,
 * only the refunds of the order that its claim kept out of the ledger are stored.
 */
export const reconcileRefund = (deps: RefundDeps, refund: Refund, guard: Guard) =>
  logUnfinished(deps, guard, 'refund_not_finished', refund, () =>
    isFinalRefund(refund) ? storeOtherRefunds(deps, refund) : resumeOrPark(deps, refund),
  )

/** Runs a unit of work, and logs why it is not finished, whether it failed or threw. */
const logUnfinished = <T>(
  deps: RefundDeps,
  guard: Guard,
  event: string,
  { outTradeNo: order }: Order | Refund,
  work: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> =>
  guard({ event, order }, async () => {
    const finished = await work()
    if (!finished.ok) deps.log({ event, order, ...describeFailure(finished.error) })
    return finished
  })

async function resumeOrPark(deps: RefundDeps, refund: Refund): Promise<Outcome<Refund>> {
  const resumed = await resumeRefund(deps, refund)
  const [left, now] = [resumed.ok ? resumed.value : refund, deps.clock.now()]
  if (isOverdueRefund(left, now) && (await deps.refunds.park(left, now))) {
    const { outRefundNo, outTradeNo, errCode, errText } = left
    deps.log({
      event: 'refund_parked',
      order: outTradeNo,
      detail: describeRefusal(outRefundNo, errText ?? ''),
      ...(errCode === null ? {} : { code: errCode }),
    })
  }
  return resumed
}

async function storeOtherRefunds(deps: RefundDeps, closed: Refund): Promise<Outcome<Refund>> {
  const listed = await listRefunds(deps, closed)
  const areAllHere = listed.ok && (await adoptMissingRefunds(deps, closed.payment, listed.value))
  if (!areAllHere) {
    if (!isOverdueRefund(closed, deps.clock.now())) return listed.ok ? ok(closed) : listed
    // Overdue, so this is given up: the ledger may lack refunds of this order that WeChat has made.
    const { outRefundNo, outTradeNo, refundStatus } = closed
    await recordRefundIncident(deps, outTradeNo, { outRefundNo, refundStatus }, {})
  }
  await deps.refunds.finishClosed(closed)
  return ok(closed)
}

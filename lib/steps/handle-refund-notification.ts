import { parseOutRefundNo, parseOutTradeNo, type OutRefundNo } from '../core/ids.ts'
import { isPaid } from '../core/order.ts'
import type { Payment, Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps, Notification, NotifiedRefund } from '../ports.ts'
import { recordRefundIncident } from './record-incident.ts'
import { refreshOrder, type OrderDeps } from './refresh-order.ts'
import {
  adoptKnownRefund,
  applyKnownRefund,
  refreshRefund,
  type RefundDeps,
} from './refresh-refund.ts'
import { makeRoomFor } from './resume-refund.ts'

type RefundNotification = Extract<Notification, { kind: 'refund' }>

/**
 * Handles a refund notification. An authenticated one is compared with the ledger and applied, like
 * a payment. Any other only names the refund to ask WeChat about: it is acknowledged once the
 * ledger has the same status from WeChat's verified answer, and until then WeChat sends it again. A
 * closed console refund whose amount others have claimed is acknowledged without being stored.
 */
export async function handleRefundNotification(
  deps: OrderDeps & Pick<Deps, 'setLogOrder'>,
  notification: RefundNotification,
): Promise<Outcome<'taken'>> {
  const outRefundNo = parseOutRefundNo(notification.outRefundNo)
  if (!outRefundNo.ok) return err({ reason: 'refund_not_found' })
  const { outTradeNo } = notification
  const stored = await deps.refunds.find(outRefundNo.value)
  const found =
    stored === null
      ? await adoptRefund(deps, outRefundNo.value, outTradeNo, notification)
      : ok(stored)
  if (!found.ok) return found
  if (found.value === null) return err({ reason: 'refund_not_found' })
  if (found.value === 'closed') return ok('taken')
  deps.setLogOrder(found.value.outTradeNo)
  const verified = verifiedFor(found.value.payment, notification)
  if (verified !== undefined) return applyNotified(deps, found.value, verified)
  const isUpToDate = (refund: Refund) => refund.refundStatus === notification.refundStatus
  if (isUpToDate(found.value)) return ok('taken')
  const fresh = await refreshRefund(deps, found.value)
  if (!fresh.ok) return fresh
  return isUpToDate(fresh.value) ? ok('taken') : err({ reason: 'wechat_unknown' })
}

/** A message of another protocol than the order's is only a hint, even if it is authenticated. */
const verifiedFor = (
  { account }: Pick<Payment, 'account'>,
  notification?: RefundNotification,
): NotifiedRefund | undefined =>
  notification?.protocol === account.protocol ? notification.verified : undefined

async function applyNotified(
  deps: RefundDeps,
  stored: Refund,
  verified: NotifiedRefund,
): Promise<Outcome<'taken'>> {
  const { outRefundNo, outTradeNo, payment } = stored
  if (verified.transactionId !== payment.transactionId) {
    const expected = { outRefundNo, transactionId: payment.transactionId }
    const received = { outRefundNo, transactionId: verified.transactionId }
    await recordRefundIncident(deps, outTradeNo, expected, received, 'notify')
    return err({ reason: 'notice_contradicts', field: 'refund' })
  }
  // CHANGE may be from before the payout, and then WeChat is paying the refund to another account.
  const applied =
    verified.refundStatus === 'CHANGE' && stored.payoutRequestedAt !== null
      ? await refreshRefund(deps, stored)
      : await applyKnownRefund(deps, stored, verified, 'notify')
  return applied.ok ? ok('taken') : applied
}

/**
 * Stores a refund that was made in the merchant console. It is real money, so it claims its amount,
 * but only as WeChat has verified it: WeChat is asked unless the notification is authenticated. An
 * order that is not paid here is settled first, because its payment's notification was lost. Null
 * if no order here can cover it. `closed`: it is not stored, because other refunds have claimed its
 * amount and WeChat has closed it, so it moved no money. `refund_not_found`: the order is here, and
 * WeChat does not know the refund.
 */
export async function adoptRefund(
  deps: OrderDeps,
  outRefundNo: OutRefundNo,
  orderNumber: string,
  notification?: RefundNotification,
): Promise<Outcome<Refund | 'closed' | null>> {
  const outTradeNo = parseOutTradeNo(orderNumber)
  const stored = outTradeNo.ok ? await deps.ledger.find({ outTradeNo: outTradeNo.value }) : null
  if (stored === null) return ok(null)
  const source = notification === undefined ? 'cron' : 'notify'
  const settled = isPaid(stored) ? ok(stored) : await refreshOrder(deps, stored, source)
  if (!settled.ok) return settled
  const order = settled.value
  if (!isPaid(order)) return ok(null)
  const verified = verifiedFor(order, notification)
  const asked =
    verified === undefined
      ? await deps.gateway(order.account).queryRefund({ outRefundNo, payment: order })
      : ok({ ...verified, state: 'known' } as const)
  if (!asked.ok) return asked
  if (asked.value.state === 'missing') return err({ reason: 'refund_not_found' })
  if (asked.value.outTradeNo !== order.outTradeNo) return ok(null)
  if (verified !== undefined && verified.transactionId !== order.transactionId) return ok(null)
  let adopted = await adoptKnownRefund(deps, order, asked.value)
  if (adopted === 'too_much') {
    await makeRoomFor(deps, order, asked.value)
    adopted = await adoptKnownRefund(deps, order, asked.value)
  }
  if (adopted === 'number_taken') return ok(await deps.refunds.find(outRefundNo))
  if (adopted !== 'too_much') return ok(adopted)
  const { refundFee, refundStatus } = asked.value
  if (refundStatus === 'REFUNDCLOSE') return ok('closed')
  // The payer has the money, but unfinished refunds of ours have claimed its amount. The ledger
  // stores this refund once they end.
  if (refundStatus === 'SUCCESS') {
    const [expected, received] = [{ outRefundNo }, { outRefundNo, refundFee }]
    await recordRefundIncident(deps, order.outTradeNo, expected, received, source)
  }
  return ok(null)
}

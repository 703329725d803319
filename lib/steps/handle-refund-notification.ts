import type { Failure } from '../core/failure.ts'
import { parseOutRefundNo } from '../core/ids.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Deps, Notification } from '../ports.ts'
import { adopt } from './adopt-refund.ts'
import { refreshRefund } from './refresh-refund.ts'

/**
 * Handles a refund notification. It carries no signature, so it only says which refund to ask WeChat about. It is acknowledged
 * once the ledger has the same status from WeChat's signed answer; until then WeChat repeats it.
 */
export async function handleRefundNotification(
  deps: Deps,
  notification: Extract<Notification, { kind: 'refund' }>,
): Promise<Result<'taken', Failure>> {
  const outRefundNo = parseOutRefundNo(notification.outRefundNo)
  if (!outRefundNo.ok) return err({ reason: 'refund_not_found' })
  const known = await deps.refunds.find(outRefundNo.value)
  const found =
    known === null ? await adopt(deps, outRefundNo.value, notification.outTradeNo) : ok(known)
  if (!found.ok) return found
  const stored = found.value
  if (stored === null) return err({ reason: 'refund_not_found' })
  deps.setLogOrder(stored.outTradeNo)
  if (stored.refundStatus === notification.refundStatus) return ok('taken')
  const fresh = await refreshRefund(deps, stored)
  if (!fresh.ok) return fresh
  return fresh.value.refundStatus === notification.refundStatus
    ? ok('taken')
    : err({ reason: 'wechat_unknown' })
}

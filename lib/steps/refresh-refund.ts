import type { Outcome } from '../core/failure.ts'
import { isFinalRefund, type Refund } from '../core/refund.ts'
import { err, ok } from '../core/result.ts'
import type { Deps, KnownRefund } from '../ports.ts'
import { recordRefundIncident } from './record-incident.ts'

/** Asks WeChat about a refund and settles it. A refund that WeChat does not know stays as it is. */
export async function refreshRefund(deps: Deps, stored: Refund): Promise<Outcome<Refund>> {
  const asked = await deps.gateway(stored.payment.account).queryRefund(stored)
  if (!asked.ok) return asked
  return asked.value.state === 'missing' ? ok(stored) : applyKnownRefund(deps, stored, asked.value)
}

/** Updates a stored refund to WeChat's verified answer. */
export async function applyKnownRefund(
  deps: Deps,
  stored: Refund,
  known: KnownRefund,
): Promise<Outcome<Refund>> {
  const { outTradeNo, refundId, refundFee, refundStatus } = known
  if (refundFee !== stored.refundFee || outTradeNo !== stored.outTradeNo)
    return refundContradicts(deps, stored, known)
  if (refundStatus === stored.refundStatus && refundId !== stored.refundId)
    return ok(await deps.refunds.accepted(stored, refundId, deps.clock.now()))
  if (refundStatus === stored.refundStatus || refundStatus === 'PROCESSING') return ok(stored)
  const outcome = { refundStatus, refundId, errCode: null, errText: null }
  const settled = await deps.refunds.settle(stored, outcome, deps.clock.now())
  // Closed here, but paid by WeChat: the ledger does not move back, so a person must look.
  return isFinalRefund(settled) &&
    settled.refundStatus !== refundStatus &&
    refundStatus !== 'CHANGE'
    ? refundContradicts(deps, settled, known)
    : ok(settled)
}

/** WeChat's verified answer contradicts the ledger: records an incident for a person. */
async function refundContradicts(
  deps: Deps,
  stored: Refund,
  known: KnownRefund,
): Promise<Outcome<never>> {
  const { outRefundNo, outTradeNo } = stored
  const received = { ...termsOf(known), outRefundNo }
  await recordRefundIncident(deps, outTradeNo, termsOf(stored), received)
  return err({ reason: 'notice_contradicts', field: 'refund' })
}

const termsOf = ({ outRefundNo, outTradeNo, refundFee, refundStatus }: KnownRefund | Refund) => ({
  outRefundNo,
  outTradeNo,
  refundFee,
  refundStatus,
})

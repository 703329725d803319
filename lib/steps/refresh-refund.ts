import type { Failure } from '../core/failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isFinalRefund, type Refund } from '../core/refund.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Deps, Incident, KnownRefund } from '../ports.ts'

/** Asks WeChat about a refund and settles it. A refund that WeChat does not know stays as it is. */
export async function refreshRefund(deps: Deps, stored: Refund): Promise<Result<Refund, Failure>> {
  const asked = await deps.gateway(stored.payment.account).queryRefund(stored)
  if (!asked.ok) return asked
  return asked.value.state === 'missing' ? ok(stored) : applyKnownRefund(deps, stored, asked.value)
}

/** Updates a stored refund to WeChat's signed answer. */
export async function applyKnownRefund(
  deps: Deps,
  stored: Refund,
  known: KnownRefund,
): Promise<Result<Refund, Failure>> {
  const { outTradeNo, refundId, refundFee, refundStatus } = known
  if (refundFee !== stored.refundFee || outTradeNo !== stored.outTradeNo)
    return refundContradicts(deps, stored, known)
  if (refundStatus === stored.refundStatus)
    return ok(
      stored.refundId === refundId
        ? stored
        : await deps.refunds.accepted(stored, refundId, deps.clock.now()),
    )
  if (refundStatus === 'PROCESSING') return ok(stored)
  const settled = await deps.refunds.settle(
    stored,
    { refundStatus, refundId, errCode: null, errText: null },
    deps.clock.now(),
  )
  // Closed here, but paid by WeChat: the ledger does not move back, so a person must look.
  if (isFinalRefund(settled) && settled.refundStatus !== refundStatus && refundStatus !== 'CHANGE')
    return refundContradicts(deps, settled, known)
  return ok(settled)
}

/** WeChat's signed answer contradicts the ledger: records an incident for a person. */
async function refundContradicts(
  deps: Deps,
  stored: Refund,
  known: KnownRefund,
): Promise<Result<never, Failure>> {
  const { outRefundNo, outTradeNo, refundFee, refundStatus } = stored
  const received = {
    outRefundNo,
    outTradeNo: known.outTradeNo,
    refundFee: known.refundFee,
    refundStatus: known.refundStatus,
  }
  await recordRefundIncident(
    deps,
    outTradeNo,
    { outRefundNo, outTradeNo, refundFee, refundStatus },
    received,
  )
  return err({ reason: 'notice_contradicts', field: 'refund' })
}

export async function recordRefundIncident(
  deps: Deps,
  outTradeNo: OutTradeNo,
  expected: Incident['expected'],
  received: Incident['received'],
): Promise<void> {
  await deps.ledger.recordIncident({
    kind: 'refund',
    outTradeNo,
    expected,
    received,
    source: 'query',
    at: deps.clock.now(),
  })
  deps.log({ event: 'incident', order: outTradeNo, reason: 'notice_contradicts', detail: 'refund' })
}

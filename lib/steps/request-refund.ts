import { isPaid } from '../core/order.ts'
import { isFinalRefund, isUnacceptedRefund, type Payout, type Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { RefundDraft } from '../ports.ts'
import { payOutRefund } from './pay-out-refund.ts'
import { refreshRefund, type RefundDeps } from './refresh-refund.ts'
import { resumeRefund, sendRefund } from './resume-refund.ts'

export interface RefundRequest extends Omit<RefundDraft, 'refundDesc'> {
  readonly refundDesc?: string | undefined
  /** Only for a refund that is in CHANGE. */
  readonly payout?: Payout | undefined
}

/**
 * Refunds an order, wholly or in part.
 *
 * The ledger claims the amount before the refund is sent, so parallel refunds never exceed what was
 * paid. The same number is the same refund: when a request is repeated, WeChat is asked first, and
 * only a refund that WeChat does not know is sent again, under the same number.
 */
export async function refund(
  deps: RefundDeps,
  { payout, ...asked }: RefundRequest,
): Promise<Outcome<Refund>> {
  const draft: RefundDraft = { ...asked, refundDesc: asked.refundDesc || null }
  const [existing, order] = await Promise.all([
    deps.refunds.find(draft.outRefundNo),
    deps.ledger.find({ outTradeNo: draft.outTradeNo }),
  ])
  if (existing !== null) return repeatRefund(deps, existing, draft, payout)
  if (order === null) return err({ reason: 'order_not_found' })
  if (payout !== undefined) return err({ reason: 'refund_not_found' })
  if (!isPaid(order)) return err({ reason: 'order_not_paid' })
  const configured = await deps.gateway(order.account).checkRefundSettings()
  if (!configured.ok) return configured
  const claimed = await deps.refunds.claim(draft, deps.clock.now())
  if (claimed === 'too_much') return err({ reason: 'refund_too_much' })
  if (claimed !== 'number_taken') return sendRefund(deps, claimed)
  const other = await deps.refunds.find(draft.outRefundNo)
  return other === null ? err({ reason: 'refund_conflict' }) : repeatRefund(deps, other, draft)
}

/**
 * Retries a refund that WeChat has not accepted, immediately. A parked refund is retried
 * automatically again from now on.
 */
async function repeatRefund(
  deps: RefundDeps,
  existing: Refund,
  draft: RefundDraft,
  payout?: Payout,
): Promise<Outcome<Refund>> {
  const isSame =
    existing.outTradeNo === draft.outTradeNo &&
    existing.refundFee === draft.refundFee &&
    existing.refundDesc === draft.refundDesc
  if (!isSame) return err({ reason: 'refund_conflict' })
  if (payout !== undefined) return payOutRefund(deps, existing, payout)
  const stored = existing.isParked
    ? await deps.refunds.unpark(existing, deps.clock.now())
    : existing
  if (isUnacceptedRefund(stored)) return resumeRefund(deps, stored)
  return existing.isParked && !isFinalRefund(stored) ? refreshRefund(deps, stored) : ok(stored)
}

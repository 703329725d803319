import { parseOutRefundNo } from '../core/ids.ts'
import { isFinalRefund, type Payment, type Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { ConfirmationSource, Deps, KnownRefund } from '../ports.ts'
import { recordRefundIncident } from './record-incident.ts'

export type RefundDeps = Pick<Deps, 'gateway' | 'ledger' | 'refunds' | 'clock' | 'log'>

/** Asks WeChat about a refund and settles it. A refund that WeChat does not know stays as it is. */
export async function refreshRefund(deps: RefundDeps, stored: Refund): Promise<Outcome<Refund>> {
  const asked = await deps.gateway(stored.payment.account).queryRefund(stored)
  if (!asked.ok) return asked
  return asked.value.state === 'missing' ? ok(stored) : applyKnownRefund(deps, stored, asked.value)
}

/** Updates a stored refund to WeChat's verified answer or notification. */
export async function applyKnownRefund(
  deps: RefundDeps,
  stored: Refund,
  known: KnownRefund,
  source: ConfirmationSource = 'query',
): Promise<Outcome<Refund>> {
  const { outTradeNo, refundId, refundFee, refundStatus } = known
  if (refundFee !== stored.refundFee || outTradeNo !== stored.outTradeNo)
    return refundContradicts(deps, stored, known, source)
  if (refundStatus === stored.refundStatus && refundId !== stored.refundId)
    return ok(await deps.refunds.accepted(stored, refundId, deps.clock.now()))
  const isLeavingChange = stored.refundStatus === 'CHANGE' && stored.payoutRequestedAt !== null
  if (refundStatus === 'PROCESSING' && isLeavingChange)
    return ok(await deps.refunds.payoutAccepted(stored, deps.clock.now()))
  if (refundStatus === stored.refundStatus || refundStatus === 'PROCESSING') return ok(stored)
  const outcome = { refundStatus, refundId, errCode: null, errText: null }
  const settled = await deps.refunds.settle(stored, outcome, deps.clock.now())
  // Closed here, but paid by WeChat: the ledger does not move back, so a person must look.
  return isFinalRefund(settled) &&
    settled.refundStatus !== refundStatus &&
    refundStatus !== 'CHANGE'
    ? refundContradicts(deps, settled, known, source)
    : ok(settled)
}

/** WeChat's verified message contradicts the ledger: records an incident for a person. */
async function refundContradicts(
  deps: RefundDeps,
  stored: Refund,
  known: KnownRefund,
  source: ConfirmationSource,
): Promise<Outcome<never>> {
  const { outRefundNo, outTradeNo } = stored
  const received = { ...termsOf(known), outRefundNo }
  await recordRefundIncident(deps, outTradeNo, termsOf(stored), received, source)
  return err({ reason: 'notice_contradicts', field: 'refund' })
}

const termsOf = ({ outRefundNo, outTradeNo, refundFee, refundStatus }: KnownRefund | Refund) => ({
  outRefundNo,
  outTradeNo,
  refundFee,
  refundStatus,
})

/** All refunds that WeChat has of the payment of this refund. */
export const listRefunds = (deps: RefundDeps, { payment }: Refund) =>
  deps.gateway(payment.account).listRefunds(payment)

/**
 * Stores the refunds of an order that WeChat has and the ledger lacks: they were made in the
 * merchant console, and are real money. Returns true if all are stored. A refund whose amount is
 * claimed by unfinished refunds of ours is tried again when one of those has ended.
 */
export async function adoptMissingRefunds(
  deps: RefundDeps,
  payment: Payment,
  listed: readonly KnownRefund[],
): Promise<boolean> {
  const stored = await deps.refunds.listByOrder(payment.outTradeNo)
  let areAllHere = true
  for (const known of listed.toSorted(successFirst)) {
    const ours = stored.find(({ outRefundNo }) => outRefundNo === known.outRefundNo)
    // Closed here but made at WeChat: `applyKnownRefund` records it for a person.
    if (ours?.refundStatus === 'REFUNDCLOSE') await applyKnownRefund(deps, ours, known)
    if (ours !== undefined || known.refundStatus === 'REFUNDCLOSE') continue
    const taken = await adoptKnownRefund(deps, payment, known)
    if (taken === 'too_much') areAllHere = false
    else if (taken !== 'number_taken') await applyKnownRefund(deps, taken, known)
  }
  return areAllHere
}

const successFirst = (one: KnownRefund, other: KnownRefund): number =>
  Number(other.refundStatus === 'SUCCESS') - Number(one.refundStatus === 'SUCCESS')

/**
 * Stores one refund. A number that the ledger cannot hold is recorded as an incident, because a
 * person must look.
 */
export async function adoptKnownRefund(
  deps: RefundDeps,
  { outTradeNo }: Payment,
  { outRefundNo: number, refundFee, refundId }: KnownRefund,
): ReturnType<Deps['refunds']['adopt']> {
  const outRefundNo = parseOutRefundNo(number)
  if (outRefundNo.ok) {
    const draft = { outRefundNo: outRefundNo.value, outTradeNo, refundFee, refundDesc: null }
    return deps.refunds.adopt(draft, refundId, deps.clock.now())
  }
  await recordRefundIncident(deps, outTradeNo, {}, { refundId, refundFee })
  return 'number_taken'
}

import { parseOutRefundNo } from '../core/ids.ts'
import type { Payment, Refund } from '../core/refund.ts'
import type { Deps, KnownRefund } from '../ports.ts'
import { recordRefundIncident } from './record-incident.ts'
import { applyKnownRefund } from './refresh-refund.ts'

/** All refunds that WeChat has of the payment that this one refunds. */
export const listRefunds = (deps: Deps, { payment }: Refund) =>
  deps.gateway(payment.account).listRefunds(payment)

/**
 * Stores the refunds of an order that WeChat has and the ledger lacks: they were made in the
 * merchant console, and are real money. Returns true if all are stored. One that finds no room
 * beside waiting refunds of ours is tried again when one of those has ended.
 */
export async function takeIn(
  deps: Deps,
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
  deps: Deps,
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

import type { Failure } from '../core/failure.ts'
import { parseOutRefundNo } from '../core/ids.ts'
import type { Payment, Refund } from '../core/refund.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps, KnownRefund } from '../ports.ts'
import { applyKnownRefund, recordRefundIncident } from './refresh-refund.ts'

/**
 * Stores the refunds of an order that WeChat has and the ledger lacks: they were made in the merchant console, and are real
 * money. Returns true if all are stored. One that finds no room beside waiting refunds of ours is tried again when one of
 * those has ended.
 */
export async function takeIn(
  deps: Deps,
  payment: Payment,
  listed: readonly KnownRefund[],
): Promise<boolean> {
  const stored = new Map(
    (await deps.refunds.listByOrder(payment.outTradeNo)).map((refund) => [
      refund.outRefundNo as string,
      refund,
    ]),
  )
  let areAllHere = true
  for (const known of listed.toSorted(arrivedFirst)) {
    const ours = stored.get(known.outRefundNo)
    // Closed here but made at WeChat: `applyKnownRefund` records it for a person.
    if (ours?.refundStatus === 'REFUNDCLOSE') await applyKnownRefund(deps, ours, known)
    if (ours !== undefined || known.refundStatus === 'REFUNDCLOSE') continue
    const taken = await adoptKnownRefund(deps, payment, known)
    if (taken === 'too_much') areAllHere = false
    else if (taken !== 'number_taken') await applyKnownRefund(deps, taken, known)
  }
  return areAllHere
}

const arrivedFirst = (one: KnownRefund, other: KnownRefund): number =>
  Number(other.refundStatus === 'SUCCESS') - Number(one.refundStatus === 'SUCCESS')

/** Stores one refund. A number that the ledger cannot hold is recorded as an incident, because a person must look. */
export async function adoptKnownRefund(
  deps: Deps,
  payment: Payment,
  { outRefundNo: number, refundFee, refundId }: KnownRefund,
): ReturnType<Deps['refunds']['adopt']> {
  const outRefundNo = parseOutRefundNo(number)
  if (outRefundNo.ok) {
    const draft = {
      outRefundNo: outRefundNo.value,
      outTradeNo: payment.outTradeNo,
      refundFee,
      refundDesc: null,
    }
    return deps.refunds.adopt(draft, refundId, deps.clock.now())
  }
  await recordRefundIncident(deps, payment.outTradeNo, {}, { refundId, refundFee })
  return 'number_taken'
}

/** For a closed refund, whose claim may have kept others out. Returns true if all refunds of the order are stored. */
export async function takeInRest(deps: Deps, closed: Refund): Promise<Result<boolean, Failure>> {
  const listed = await listRefunds(deps, closed)
  return listed.ok ? ok(await takeIn(deps, closed.payment, listed.value)) : listed
}

/** All refunds that WeChat has of the payment that this one refunds. */
export const listRefunds = (deps: Deps, { payment }: Refund) =>
  deps.gateway(payment.account).listRefunds(payment)

/**
 * A batch of a bill against the ledger. What the ledger only has not heard of yet is caught up with first, on WeChat's own
 * signed word; what then still differs is for a person.
 */
import type { Failure } from '../core/failure.ts'
import { isPaid } from '../core/order.ts'
import { isWaitingRefund } from '../core/refund.ts'
import { ok, type Result } from '../core/result.ts'
import type { BillClaim, BilledPayment, BilledRefund, Deps } from '../ports.ts'
import { queryEach } from './query-each.ts'
import { differingPayment, differingRefund, type Difference } from './bill-difference.ts'
import type { Guard } from './guard.ts'
import { refreshOrder } from './refresh-order.ts'
import { resumeRefund } from './resume-refund.ts'

/** Paid there and not here: WeChat is asked and the payment settled as ever. Returns what differs all the same. */
export async function comparePayments(
  deps: Deps,
  claim: BillClaim,
  rows: readonly BilledPayment[],
  guard: Guard,
): Promise<
  Result<{ readonly settled: number; readonly differences: readonly Difference[] }, Failure>
> {
  const found = await match(rows, (these) => deps.bills.matchPayments(claim, these))
  const unpaid = found.map(({ order }) => order).filter((order) => order !== null && !isPaid(order))
  // One that lacks an answer stays as it is, and is a difference below.
  const asked = await queryEach(
    unpaid,
    (order) =>
      guard({ event: 'order_not_finished', order: order.outTradeNo }, () =>
        refreshOrder(deps, order, 'cron'),
      ),
    () => deps.gateway(deps.account).probe('order'),
  )
  if (!asked.ok) return asked
  if (unpaid.length === 0)
    return ok({
      settled: 0,
      differences: found.map(({ row, order }) => differingPayment(row, order)),
    })
  const differing = await deps.bills.matchPayments(
    claim,
    found.map(({ row }) => row),
  )
  return ok({
    settled: found.length - differing.length,
    differences: differing.map(({ row, order }) => differingPayment(row, order)),
  })
}

/** A refund that WeChat took and whose answer was lost is asked about. Returns what differs, and what is not known at all. */
export async function compareRefunds(
  deps: Deps,
  claim: BillClaim,
  rows: readonly BilledRefund[],
  guard: Guard,
): Promise<
  Result<
    { readonly differences: readonly Difference[]; readonly unknown: readonly BilledRefund[] },
    Failure
  >
> {
  let found = await match(rows, (these) => deps.bills.matchRefunds(claim, these))
  const unheard = found.flatMap(({ refund }) =>
    refund !== null && isWaitingRefund(refund) ? [refund] : [],
  )
  // One that lacks an answer stays as it is, and cron goes on asking about it.
  const asked = await queryEach(
    unheard,
    (refund) =>
      guard({ event: 'refund_not_finished', order: refund.outTradeNo }, () =>
        resumeRefund(deps, refund),
      ),
    () => deps.gateway(deps.account).probe('refund'),
  )
  if (!asked.ok) return asked
  if (unheard.length > 0)
    found = await deps.bills.matchRefunds(
      claim,
      found.map(({ row }) => row),
    )
  return ok({
    differences: found.map(({ row, refund }) => differingRefund(row, refund)),
    unknown: found.filter(({ refund }) => refund === null).map(({ row }) => row),
  })
}

const match = async <R, F>(
  rows: readonly R[],
  ask: (rows: readonly R[]) => Promise<readonly F[]>,
): Promise<readonly F[]> => (rows.length === 0 ? [] : ask(rows))

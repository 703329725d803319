import type { Day } from '../core/day.ts'
import { describeFailure } from '../core/describe-failure.ts'
import type { Failure } from '../core/failure.ts'
import { parseOutRefundNo } from '../core/ids.ts'
import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import { isUnacceptedRefund, type Refund } from '../core/refund.ts'
import { ok, type Outcome } from '../core/result.ts'
import { toRfc3339 } from '../core/time.ts'
import type {
  BillClaim,
  BillDifference,
  BilledOther,
  BilledPayment,
  BilledRefund,
  BillRow,
  Deps,
  Matched,
} from '../ports.ts'
import type { Guard } from './guard.ts'
import { adoptRefund } from './handle-refund-notification.ts'
import { queryEach } from './query-each.ts'
import { CURRENCY, paymentIncident } from './record-incident.ts'
import { refreshOrder, type OrderDeps } from './refresh-order.ts'
import { resumeRefund } from './resume-refund.ts'

export type BillDeps = OrderDeps & Pick<Deps, 'account' | 'bills'>

/** The result of comparing one batch. */
interface Batch {
  readonly payments: number
  readonly totalFee: number
  readonly refunds: number
  readonly refundFee: number
  /** Payments that the ledger lacked, and has after WeChat was asked. */
  readonly settled: number
  readonly differences: readonly BillDifference[]
  /** Refunds that the ledger does not know. */
  readonly unknown: readonly BilledRefund[]
}

/**
 * Compares a batch of a bill with the ledger. WeChat is asked about orders that are paid in the
 * bill and not here, and about refunds that it has accepted and whose answer was lost.
 */
export async function compareBatch(
  deps: BillDeps,
  claim: BillClaim,
  rows: readonly BillRow[],
  guard: Guard,
): Promise<Outcome<Batch>> {
  const { bills } = deps
  const gateway = deps.gateway(deps.account)
  const billedPayments = rows.filter((row) => row.kind === 'payment')
  const billedRefunds = rows.filter((row) => row.kind === 'refund')
  // Payments first: only a paid order can be refunded.
  const payments = await findDiffering(
    billedPayments,
    (some) => bills.matchPayments(claim, some),
    (order) => !isPaid(order),
    (order) =>
      guard({ event: 'order_not_finished', order: order.outTradeNo }, () =>
        refreshOrder(deps, order, 'cron'),
      ),
    () => gateway.probe('order'),
  )
  if (!payments.ok) return payments
  const refunds = await findDiffering(
    billedRefunds,
    (some) => bills.matchRefunds(claim, some),
    isUnacceptedRefund,
    (refund) =>
      guard({ event: 'refund_not_finished', order: refund.outTradeNo }, () =>
        resumeRefund(deps, refund),
      ),
    () => gateway.probe('refund'),
  )
  if (!refunds.ok) return refunds
  return ok({
    payments: billedPayments.length,
    totalFee: billedPayments.reduce((sum, row) => sum + row.totalFee, 0),
    refunds: billedRefunds.length,
    refundFee: billedRefunds.reduce((sum, row) => sum + row.refundFee, 0),
    settled: payments.value.settled,
    differences: [
      ...payments.value.differing.map(differingPayment),
      ...refunds.value.differing.map(differingRefund),
      ...rows.filter((row) => row.kind === 'other').map(unknownRow),
    ],
    unknown: refunds.value.differing.flatMap(({ row, known }) => (known === null ? [row] : [])),
  })
}

async function findDiffering<Row, Known>(
  rows: readonly Row[],
  match: (rows: readonly Row[]) => Promise<readonly Matched<Row, Known>[]>,
  mayBeBehind: (known: Known) => boolean,
  refresh: (known: Known) => Promise<Outcome<unknown>>,
  probe: () => Promise<Outcome<unknown>>,
): Promise<Outcome<{ settled: number; differing: readonly Matched<Row, Known>[] }>> {
  const found = rows.length === 0 ? [] : await match(rows)
  const behind = found.flatMap(({ known }) => (known !== null && mayBeBehind(known) ? [known] : []))
  // An item without an answer stays as it is, and its row is a difference.
  const asked = await queryEach(behind, refresh, probe)
  if (!asked.ok) return asked
  const differing = behind.length === 0 ? found : await match(found.map(({ row }) => row))
  return ok({ settled: found.length - differing.length, differing })
}

/**
 * Stores refunds that were not requested here, so that all refunds together never exceed the
 * payment. Each is recorded as an incident as well. Returns how many WeChat does not confirm.
 */
export async function adoptUnknown(
  deps: BillDeps,
  rows: readonly BilledRefund[],
  guard: Guard,
): Promise<Outcome<number>> {
  const failures = new Map<BilledRefund, Failure>()
  const take = async (row: BilledRefund): Promise<Outcome<unknown>> => {
    const outRefundNo = parseOutRefundNo(row.outRefundNo)
    if (!outRefundNo.ok) return ok(null)
    const taken = await guard(null, () => adoptRefund(deps, outRefundNo.value, row.outTradeNo))
    if (taken.ok) failures.delete(row)
    else failures.set(row, taken.error)
    return taken
  }
  const asked = await queryEach(rows, take, () => deps.gateway(deps.account).probe('refund'))
  for (const [{ outTradeNo, outRefundNo }, failure] of failures) {
    const { detail, ...why } = describeFailure(failure)
    deps.log({
      event: 'refund_not_finished',
      order: outTradeNo,
      ...why,
      detail: [outRefundNo, detail].join(' ').trim(),
    })
  }
  return asked.ok ? ok(failures.size) : asked
}

/** `unconfirmed`: the bill has a payment that WeChat does not confirm when it is asked. */
function differingPayment({ row, known }: Matched<BilledPayment, Order>): BillDifference {
  if (known === null) return paymentIncident('order', known, row)
  if (known.totalFee !== row.totalFee) return paymentIncident('amount', known, row)
  if (row.feeType !== CURRENCY) return paymentIncident('currency', known, row)
  return paymentIncident(isPaid(known) ? 'transaction' : 'unconfirmed', known, row)
}

export const unbilledPayment = (order: PaidOrder): BillDifference => {
  const { outTradeNo, totalFee, transactionId, paidAt } = order
  return {
    kind: 'unbilled',
    outTradeNo,
    expected: { totalFee, transactionId, paidAt: toRfc3339(paidAt) },
    received: { totalFee: null, transactionId: null },
  }
}

function differingRefund({ row, known }: Matched<BilledRefund, Refund>): BillDifference {
  const { outTradeNo, outRefundNo, refundId, refundFee, refundStatus } = row
  return {
    kind: known === null ? 'refund_unknown' : 'refund',
    outTradeNo,
    expected: known === null ? {} : termsOf(known),
    received: { outRefundNo, refundId, refundFee, refundStatus },
  }
}

export const unbilledRefund = (refund: Refund): BillDifference => ({
  kind: 'refund_unbilled',
  outTradeNo: refund.outTradeNo,
  expected: termsOf(refund),
  received: { outRefundNo: refund.outRefundNo, refundId: null, refundFee: null },
})

const termsOf = ({ outTradeNo, outRefundNo, refundId, refundFee, refundStatus }: Refund) => ({
  outTradeNo,
  outRefundNo,
  refundId,
  refundFee,
  refundStatus,
})

/** A row that is neither a payment nor a refund. */
const unknownRow = ({ outTradeNo, transactionId, tradeState }: BilledOther): BillDifference => ({
  kind: 'bill_row',
  outTradeNo,
  expected: {},
  received: { transactionId, tradeState },
})

/** The one incident of a day with too many differences. */
export const tooDifferent = (day: Day, mostDifferences: number): BillDifference => ({
  kind: 'bill',
  outTradeNo: null,
  expected: { day, mostDifferences },
  received: { day },
})

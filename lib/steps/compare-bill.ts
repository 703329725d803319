import type { Day } from '../core/day.ts'
import type { Outcome } from '../core/failure.ts'
import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import { isWaitingRefund, type Refund } from '../core/refund.ts'
import { ok } from '../core/result.ts'
import { toRfc3339 } from '../core/time.ts'
import type {
  BillClaim,
  BilledOther,
  BilledPayment,
  BilledRefund,
  Deps,
  Incident,
  Matched,
} from '../ports.ts'
import type { Guard } from './guard.ts'
import { queryEach } from './query-each.ts'
import { CURRENCY, paymentIncident } from './record-incident.ts'
import { refreshOrder, type OrderDeps } from './refresh-order.ts'
import { resumeRefund } from './resume-refund.ts'

export type BillDeps = OrderDeps & Pick<Deps, 'account' | 'bills'>

interface Compared<Row, Known> {
  /** Rows that the ledger has exactly so since WeChat was asked. */
  readonly settled: number
  /** Rows that the ledger still does not have exactly so. */
  readonly differing: readonly Matched<Row, Known>[]
}

/**
 * WeChat is asked about orders that are paid in the bill and not here, and each payment it confirms
 * is settled.
 */
export const comparePayments = (
  deps: BillDeps,
  claim: BillClaim,
  rows: readonly BilledPayment[],
  guard: Guard,
): Promise<Outcome<Compared<BilledPayment, Order>>> =>
  compare(
    rows,
    (some) => deps.bills.matchPayments(claim, some),
    (order) => !isPaid(order),
    (order) =>
      guard({ event: 'order_not_finished', order: order.outTradeNo }, () =>
        refreshOrder(deps, order, 'cron'),
      ),
    () => deps.gateway(deps.account).probe('order'),
  )

/** WeChat is asked about refunds that it has accepted and whose answer was lost. */
export const compareRefunds = (
  deps: BillDeps,
  claim: BillClaim,
  rows: readonly BilledRefund[],
  guard: Guard,
): Promise<Outcome<Compared<BilledRefund, Refund>>> =>
  compare(
    rows,
    (some) => deps.bills.matchRefunds(claim, some),
    isWaitingRefund,
    (refund) =>
      guard({ event: 'refund_not_finished', order: refund.outTradeNo }, () =>
        resumeRefund(deps, refund),
      ),
    () => deps.gateway(deps.account).probe('refund'),
  )

async function compare<Row, Known>(
  rows: readonly Row[],
  match: (rows: readonly Row[]) => Promise<readonly Matched<Row, Known>[]>,
  mayBeBehind: (known: Known) => boolean,
  refresh: (known: Known) => Promise<Outcome<unknown>>,
  probe: () => Promise<Outcome<unknown>>,
): Promise<Outcome<Compared<Row, Known>>> {
  const found = rows.length === 0 ? [] : await match(rows)
  const behind = found.flatMap(({ known }) => (known !== null && mayBeBehind(known) ? [known] : []))
  // One that lacks an answer stays as it is, and its row is a difference.
  const asked = await queryEach(behind, refresh, probe)
  if (!asked.ok) return asked
  const differing = behind.length === 0 ? found : await match(found.map(({ row }) => row))
  return ok({ settled: found.length - differing.length, differing })
}

/** A difference between a bill and the ledger, in the form of an incident. */
export type Difference = Omit<Incident, 'source' | 'at'>

/** `unconfirmed`: the bill has a payment that WeChat does not confirm when it is asked. */
export function differingPayment({ row, known }: Matched<BilledPayment, Order>): Difference {
  if (known === null) return paymentIncident('order', known, row)
  if (known.totalFee !== row.totalFee) return paymentIncident('amount', known, row)
  if (row.feeType !== CURRENCY) return paymentIncident('currency', known, row)
  return paymentIncident(isPaid(known) ? 'transaction' : 'unconfirmed', known, row)
}

export const unbilledPayment = (order: PaidOrder): Difference => {
  const { outTradeNo, totalFee, transactionId, paidAt } = order
  return {
    kind: 'unbilled',
    outTradeNo,
    expected: { totalFee, transactionId, paidAt: toRfc3339(paidAt) },
    received: { totalFee: null, transactionId: null },
  }
}

export function differingRefund({ row, known }: Matched<BilledRefund, Refund>): Difference {
  const { outTradeNo, outRefundNo, refundId, refundFee, refundStatus } = row
  return {
    kind: known === null ? 'refund_unknown' : 'refund',
    outTradeNo,
    expected: known === null ? {} : termsOf(known),
    received: { outRefundNo, refundId, refundFee, refundStatus },
  }
}

export const unbilledRefund = (refund: Refund): Difference => ({
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
export const unknownRow = ({ outTradeNo, transactionId, tradeState }: BilledOther): Difference => ({
  kind: 'bill_row',
  outTradeNo,
  expected: {},
  received: { transactionId, tradeState },
})

/** Stands for all differences of a day, when there are too many of them. */
export const tooDifferent = (day: Day, mostDifferences: number): Difference => ({
  kind: 'bill',
  outTradeNo: null,
  expected: { day, mostDifferences },
  received: { day },
})

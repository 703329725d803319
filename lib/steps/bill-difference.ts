/** What a bill and the ledger tell differently, in the words of an incident. Computes; who records it is not its business. */
import type { Day } from '../core/day.ts'
import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import type { Refund } from '../core/refund.ts'
import { toRfc3339 } from '../core/time.ts'
import type { BilledOther, BilledPayment, BilledRefund, Incident } from '../ports.ts'

export type Difference = Omit<Incident, 'source' | 'at'>

/**
 * Paid there and not so here. The words are those of a signed message that contradicts the ledger, so that a payment whose
 * notification was refused already is not told a second time.
 */
export function differingPayment(
  { outTradeNo, totalFee, feeType, transactionId }: BilledPayment,
  order: Order | null,
): Difference {
  const known =
    order === null
      ? null
      : {
          totalFee: order.totalFee,
          feeType: 'CNY',
          transactionId: isPaid(order) ? order.transactionId : null,
        }
  const received = { totalFee, feeType, transactionId }
  return { kind: kindOf(received, known), outTradeNo, expected: known ?? {}, received }
}

interface Payment {
  readonly totalFee: number
  readonly feeType: string
  readonly transactionId: string | null
}

/** `unconfirmed`: the bill has a payment that WeChat, asked, does not confirm. */
function kindOf(billed: Payment, known: Payment | null): string {
  if (known === null) return 'order'
  if (known.totalFee !== billed.totalFee) return 'amount'
  if (known.feeType !== billed.feeType) return 'currency'
  return known.transactionId === null ? 'unconfirmed' : 'transaction'
}

/** Here and not there. */
export const unbilledPayment = ({
  outTradeNo,
  totalFee,
  transactionId,
  paidAt,
}: PaidOrder): Difference => ({
  kind: 'unbilled',
  outTradeNo,
  expected: { totalFee, transactionId, paidAt: toRfc3339(paidAt) },
  received: { totalFee: null, transactionId: null },
})

/** Given back there and not here, or otherwise here. */
export function differingRefund(
  { outTradeNo, outRefundNo, refundId, refundFee, refundStatus }: BilledRefund,
  refund: Refund | null,
): Difference {
  const received = { outRefundNo, refundId, refundFee, refundStatus }
  return {
    kind: refund === null ? 'refund_unknown' : 'refund',
    outTradeNo,
    expected: refund === null ? {} : toKnown(refund),
    received,
  }
}

export const unbilledRefund = (refund: Refund): Difference => ({
  kind: 'refund_unbilled',
  outTradeNo: refund.outTradeNo,
  expected: toKnown(refund),
  received: { outRefundNo: refund.outRefundNo, refundId: null, refundFee: null },
})

const toKnown = ({ outTradeNo, outRefundNo, refundId, refundFee, refundStatus }: Refund) => ({
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

/** So many differences that each would tell less than this one. */
export const tooDifferent = (day: Day, most: number): Difference => ({
  kind: 'bill',
  outTradeNo: null,
  expected: { day, mostDifferences: most },
  received: { day },
})

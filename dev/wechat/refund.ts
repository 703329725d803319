/** The life of a refund as WeChat keeps it, with the order it gives money back from. */
import type { State, StoredOrder, StoredRefund } from './state.ts'

/** WeChat names the payer's account; the simulator's payers all pay from their balance. */
export const RECEIVING_ACCOUNT = '支付用户零钱'

export type RefundStatus = 'PROCESSING' | StoredRefund['endsAs']

/** A refund with the order it belongs to and the state it is in now. */
export type SimulatedRefund = StoredRefund & {
  readonly outTradeNo: string
  readonly refundStatus: RefundStatus
}

export const refundStatusOf = (refund: StoredRefund, now: number): RefundStatus =>
  now >= refund.endsAt ? refund.endsAs : 'PROCESSING'

/** What refunds have taken of the order, on its way or arrived; a closed one gives its part free again. */
export const refundedFeeOf = (order: StoredOrder, now: number): number =>
  order.refunds
    .filter((refund) => refundStatusOf(refund, now) !== 'REFUNDCLOSE')
    .reduce((total, { refundFee }) => total + refundFee, 0)

export interface RefundOfOrder {
  readonly order: StoredOrder
  readonly refund: StoredRefund
}

export function findRefund(
  state: State,
  accepts: (refund: StoredRefund) => boolean,
): RefundOfOrder | undefined {
  for (const order of state.orders) {
    const refund = order.refunds.find(accepts)
    if (refund !== undefined) return { order, refund }
  }
  return undefined
}

export const listRefunds = (state: State, now: number): readonly SimulatedRefund[] =>
  state.orders.flatMap(({ outTradeNo, refunds }) =>
    refunds.map((refund) => ({ ...refund, outTradeNo, refundStatus: refundStatusOf(refund, now) })),
  )

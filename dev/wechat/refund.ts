/** The states of a refund at WeChat, and its order. */
import type { State, StoredOrder, StoredRefund } from './state.ts'

/** WeChat names the payer's account. In the simulator all payers pay from their balance. */
export const RECEIVING_ACCOUNT = '支付用户零钱'

/** The money of the merchant that is not settled yet. */
export const DEFAULT_REFUND_ACCOUNT = 'REFUND_SOURCE_UNSETTLED_FUNDS'

export type RefundStatus = 'PROCESSING' | StoredRefund['endsAs']

/** A refund with its order and its current state. */
export type SimulatedRefund = StoredRefund & {
  readonly outTradeNo: string
  readonly refundStatus: RefundStatus
}

export const refundStatusOf = (refund: StoredRefund, now: number): RefundStatus =>
  now >= refund.endsAt ? refund.endsAs : 'PROCESSING'

/** The sum of all refunds of the order, finished or not. A closed refund does not count. */
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

/** The life of a refund as WeChat keeps it, with the order it gives money back from. */
import * as v from 'valibot'
import type { State, StoredOrder } from './state.ts'

const endSchema = v.picklist(['SUCCESS', 'CHANGE', 'REFUNDCLOSE'])

export const refundSchema = v.object({
  outRefundNo: v.string(),
  refundId: v.string(),
  refundFee: v.number(),
  refundAccount: v.string(),
  requestSource: v.picklist(['API', 'VENDOR_PLATFORM']),
  /** Empty: no notification is sent when it ends. */
  notifyUrl: v.string(),
  createdAt: v.number(),
  /** PROCESSING until then. */
  endsAt: v.number(),
  endsAs: endSchema,
  /** Whether the end had its consequences: see `noteEndedRefunds`. */
  endNoted: v.boolean(),
})

export type StoredRefund = v.InferOutput<typeof refundSchema>
type RefundEnd = v.InferOutput<typeof endSchema>
export type RefundStatus = 'PROCESSING' | RefundEnd

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

import type { Day } from '../core/day.ts'
import type { Fen } from '../core/money.ts'
import type { Order, PaidOrder } from '../core/order.ts'
import type { Refund } from '../core/refund.ts'

/** A payment of ours, as a bill has it. A bill is not signed: good for comparing, and for knowing what to ask WeChat about. */
export interface BilledPayment {
  readonly kind: 'payment'
  readonly outTradeNo: string
  readonly transactionId: string
  readonly totalFee: Fen
  readonly feeType: string
}

/** A refund stands in the bill of the day it was started, with the status it then had. */
export interface BilledRefund {
  readonly kind: 'refund'
  readonly outTradeNo: string
  readonly transactionId: string
  readonly outRefundNo: string
  readonly refundId: string
  readonly refundFee: Fen
  readonly refundStatus: string
}

/** A row of ours that is neither: Mini Program payments have no other, so a person must look. */
export interface BilledOther {
  readonly kind: 'other'
  readonly outTradeNo: string
  readonly transactionId: string
  readonly tradeState: string
}

export type BillRow = BilledPayment | BilledRefund | BilledOther

/** A row, and the order or refund that the ledger has under its number. */
export interface Matched<Row, Known> {
  readonly row: Row
  readonly known: Known | null
}

/** A day taken in hand for comparing. What the comparison marks carries its number. */
export interface BillClaim {
  readonly day: Day
  readonly comparison: number
  readonly leaseUntil: Date
}

/** `too_different`: stopped where a person must first find out what is wrong with the whole. */
export interface BillResult {
  readonly outcome: 'compared' | 'empty' | 'too_different'
  readonly payments: number
  readonly refunds: number
  /** Payments the ledger only learned of by comparing. */
  readonly settled: number
  readonly differences: number
}

/**
 * The comparing of bills with the ledger, a batch at a time. What a bill has is marked, so that what it has not can be found
 * afterwards. A comparison that died is taken up by the next one; two are never at the same day.
 */
export interface Bills {
  /** Days of these that are still to be compared, oldest first; none from before the ledger's first order, but `always`. */
  due(from: Day, to: Day, always: Day | null): Promise<readonly Day[]>
  /** Null when somebody is at it, or has done it and `wanted` is not `again`. Given up by itself at `leaseUntil`. */
  claim(day: Day, wanted: 'once' | 'again', at: Date, leaseUntil: Date): Promise<BillClaim | null>
  /** Marks these payments, and returns those the ledger does not have exactly so, each with the order of its number. */
  matchPayments(
    claim: BillClaim,
    rows: readonly BilledPayment[],
  ): Promise<readonly Matched<BilledPayment, Order>[]>
  /** The same for refunds. */
  matchRefunds(
    claim: BillClaim,
    rows: readonly BilledRefund[],
  ): Promise<readonly Matched<BilledRefund, Refund>[]>
  /**
   * Payments of the day that no bill has, as soon as every bill that might have them is compared: one made at midnight, to
   * within `marginMs`, may stand in the bill of either day.
   */
  unbilledPayments(claim: BillClaim, marginMs: number, limit: number): Promise<readonly PaidOrder[]>
  /** The same for refunds, which stand in the bill of the day WeChat started them. */
  unbilledRefunds(claim: BillClaim, marginMs: number, limit: number): Promise<readonly Refund[]>
  /** Stores the result and ends the claim; false when the lease had run out and the day is somebody else's. */
  finish(claim: BillClaim, result: BillResult, at: Date): Promise<boolean>
  /** Ends the claim without a result. `void` marks count no more: they came from a bill that is not to be believed. */
  giveBack(claim: BillClaim, marks: 'kept' | 'void'): Promise<void>
}

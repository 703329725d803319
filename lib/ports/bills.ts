import type { Account } from '../core/account.ts'
import type { Day } from '../core/day.ts'
import type { Fen } from '../core/money.ts'
import type { Order, PaidOrder } from '../core/order.ts'
import type { Refund } from '../core/refund.ts'
import type { Incident } from './ledger.ts'

/**
 * A payment in a bill. A bill is not signed, so it only serves to compare and to decide what to ask
 * WeChat about.
 */
export interface BilledPayment {
  readonly kind: 'payment'
  readonly outTradeNo: string
  readonly transactionId: string
  readonly totalFee: Fen
  readonly feeType: string
}

/** A refund in the bill of the day it was started, with the status that it had then. */
export interface BilledRefund {
  readonly kind: 'refund'
  readonly outTradeNo: string
  readonly transactionId: string
  readonly outRefundNo: string
  readonly refundId: string
  readonly refundFee: Fen
  readonly refundStatus: string
}

/**
 * A row of our app that is neither a payment nor a refund. Mini Program payments have no other kind
 * of row, so a person must look.
 */
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

/**
 * A claim on a day, for one comparison. Payments and refunds that the comparison marks carry its
 * number.
 */
export interface BillClaim {
  readonly day: Day
  readonly comparison: number
  readonly leaseUntil: Date
}

/** `too_different`: there are so many differences that a person must look into the cause first. */
export interface BillResult {
  readonly outcome: 'compared' | 'empty' | 'too_different'
  readonly payments: number
  /** The sum of the payments, in fen. */
  readonly totalFee: number
  readonly refunds: number
  /** The sum of the refunds, in fen. */
  readonly refundFee: number
  /** Payments that the ledger did not have before the comparison. */
  readonly settled: number
  readonly differences: number
}

/** A difference between a bill and the ledger, in the form of an incident. */
export type BillDifference = Omit<Incident, 'source' | 'at'>

/**
 * Compares bills with the ledger in batches. Each payment and refund of the ledger that the bill
 * has is marked, so that those that the bill lacks can be found afterwards. If a comparison dies,
 * the next one starts from the beginning. Two comparisons never work on the same day.
 */
export interface Bills {
  /**
   * The days that must still be compared, oldest first. Days before the ledger's first order are
   * left out, except `always`.
   */
  due(from: Day, to: Day, always: Day | null): Promise<readonly Day[]>
  /**
   * Null if another run holds the claim, or the day is already compared and `wanted` is not
   * `again`. The claim expires at `leaseUntil`.
   */
  claim(day: Day, wanted: 'once' | 'again', at: Date, leaseUntil: Date): Promise<BillClaim | null>
  /**
   * Marks these payments. Returns those that differ from the ledger, each with the order of its
   * number.
   */
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
   * Stores differences. When the comparison finishes, they replace those of the earlier one.
   * `position` is the number of differences that are stored already. Without the claim, nothing
   * is stored.
   */
  list(claim: BillClaim, position: number, differences: readonly BillDifference[]): Promise<void>
  /**
   * The account's payments of that day that are in no bill, page by page. A payment within
   * `marginMs` of midnight can be in the bill of either day, so it is returned only once both bills
   * are compared.
   */
  unbilledPayments(
    claim: BillClaim,
    account: Account,
    marginMs: number,
  ): AsyncIterable<readonly PaidOrder[]>
  /** The same for refunds, which are in the bill of the day on which WeChat started them. */
  unbilledRefunds(
    claim: BillClaim,
    account: Account,
    marginMs: number,
  ): AsyncIterable<readonly Refund[]>
  /**
   * Stores the result and ends the claim. False if the lease has expired and another run holds the
   * day.
   */
  finish(claim: BillClaim, result: BillResult, at: Date): Promise<boolean>
  /**
   * Ends the claim without a result. `void`: the marks no longer count, because the bill was not
   * WeChat's.
   */
  giveBack(claim: BillClaim, marks: 'kept' | 'void'): Promise<void>
}

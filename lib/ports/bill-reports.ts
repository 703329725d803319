import type { Day } from '../core/day.ts'
import type { BillDifference, BillResult } from './bills.ts'

/** A day, and the result of the last comparison of its bill. */
export interface BillReport {
  readonly day: Day
  /** Null if the bill is not compared. */
  readonly compared: ComparedBill | null
}

export interface ComparedBill extends Omit<BillResult, 'totalFee' | 'refundFee'> {
  readonly at: Date
  /** Null if an earlier version compared the day. It stored no sums and listed no differences. */
  readonly sums: Pick<BillResult, 'totalFee' | 'refundFee'> | null
}

/** A difference of the last comparison, and the incident that was recorded for it. */
export interface ListedDifference extends BillDifference {
  /** Null if the day has too many differences. One incident then stands for all of them. */
  readonly incident: {
    readonly id: number
    /** Null while it waits for a person. */
    readonly handled: { readonly at: Date; readonly note: string } | null
  } | null
}

/** The last difference of a page. It is valid for one comparison. */
export interface DifferencePosition {
  readonly comparison: Date
  readonly position: number
}

/** The compared bills, for the merchant. Each method is one statement. */
export interface BillReports {
  /**
   * The days since the first order or comparison, newest first.
   *
   * @param ready the last day whose bill is ready
   * @param before only days before this one; null: all
   */
  days(
    ready: Day,
    before: Day | null,
    limit: number,
  ): Promise<{ readonly bills: readonly BillReport[]; readonly next: Day | null }>
  /**
   * The differences of the last comparison, in the order in which it found them.
   *
   * Null if `after` is a position of an earlier comparison.
   */
  differences(
    day: Day,
    after: DifferencePosition | null,
    limit: number,
  ): Promise<{
    readonly bill: BillReport
    readonly differences: readonly ListedDifference[]
    readonly next: DifferencePosition | null
  } | null>
}

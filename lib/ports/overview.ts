import type { Day } from '../core/day.ts'
import type { Refund } from '../core/refund.ts'
import type { BillResult } from './bills.ts'

/** The amounts of a day in Beijing, in fen. */
export interface Takings {
  readonly day: Day
  /** By WeChat's time of the payment. */
  readonly payments: { readonly count: number; readonly totalFee: number }
  /**
   * By the time at which the shop learned that WeChat accepted the refund. A refund that was made
   * in WeChat's own console counts from the time at which it was stored, and a closed refund does
   * not count.
   */
  readonly refunds: { readonly count: number; readonly refundFee: number }
}

/** How many entries wait, and since when the oldest one does. */
export interface Waiting {
  readonly count: number
  readonly oldest: Date | null
}

/** A day whose bill is ready and was not compared, or was compared and differs. */
export interface OpenBill {
  readonly day: Day
  /** Null if it is not compared. */
  readonly result: Pick<BillResult, 'outcome' | 'differences'> | null
}

/** The work that waits for a person, and the takings of today. */
export interface Overview {
  /** Incidents that are not handled. */
  readonly incidents: Waiting
  /** Events that were given up. */
  readonly parkedEvents: Waiting
  /** Paid orders that WeChat refused to ship or that are not shipped in time. */
  readonly shipments: Waiting
  /** `awaited`: the payer has written again since the last reply. */
  readonly complaints: {
    readonly pending: Waiting
    readonly awaited: Waiting
    readonly replied: Waiting
  }
  /**
   * Refunds in CHANGE, refunds that are not retried any more, and those that WeChat has not
   * accepted for a day. `first`: the oldest of them.
   */
  readonly refunds: { readonly count: number; readonly first: readonly Refund[] }
  /**
   * Newest first. A day that differs is left out once all incidents of its differences are handled.
   */
  readonly bills: readonly OpenBill[]
  readonly takings: Takings
}

/** Sums over many rows, for the merchant. Each is one statement. */
export interface Overviews {
  /** @param lastBill the last day whose bill is ready */
  overview(today: Day, lastBill: Day, at: Date): Promise<Overview>
  /** One entry for each day, newest first. */
  takings(from: Day, to: Day): Promise<readonly Takings[]>
}

import type { OutRefundNo, OutTradeNo } from '../core/ids.ts'
import type { Fen } from '../core/money.ts'
import type { Refund, RefundStatus } from '../core/refund.ts'

export interface RefundDraft {
  readonly outRefundNo: OutRefundNo
  readonly outTradeNo: OutTradeNo
  readonly refundFee: Fen
  readonly refundDesc: string | null
}

export interface RefundOutcome {
  readonly refundStatus: RefundStatus
  readonly refundId: string | null
  readonly errCode: string | null
  readonly errText: string | null
}

/** Refunds in the ledger. Each change is one atomic statement that contains its condition. */
export interface Refunds {
  find(outRefundNo: OutRefundNo): Promise<Refund | null>
  /** All refunds of an order that are stored here. */
  listByOrder(outTradeNo: OutTradeNo): Promise<readonly Refund[]>
  /**
   * Claims the amount and stores the refund, before it is sent to WeChat. `too_much`: the payment
   * does not cover all claims. `number_taken`: the number is already stored.
   */
  claim(draft: RefundDraft, at: Date): Promise<Refund | 'too_much' | 'number_taken'>
  /**
   * Claims the amount of a refund that WeChat already has. It is stored with WeChat's number, so it
   * is never sent.
   */
  adopt(
    draft: RefundDraft,
    refundId: string,
    at: Date,
  ): Promise<Refund | 'too_much' | 'number_taken'>
  /**
   * Stores WeChat's number, and the order becomes REFUND. `at` is the latest time at which WeChat
   * can have started the refund.
   */
  accepted(refund: Refund, refundId: string, at: Date): Promise<Refund>
  /** Stores why WeChat has not accepted it yet. */
  postponed(refund: Refund, errCode: string, errText: string | null): Promise<Refund>
  /**
   * Notes, before a payout is sent to WeChat, that it was requested, and undoes `park`. Only for a
   * refund in CHANGE. Returns the refund afterwards.
   */
  payoutRequested(refund: Refund, at: Date): Promise<Refund>
  /** Moves the refund from CHANGE to PROCESSING. Only after `payoutRequested`. */
  payoutAccepted(refund: Refund, at: Date): Promise<Refund>
  /**
   * Moves the refund from PROCESSING or CHANGE to its outcome, once, with its event. SUCCESS counts
   * the money as refunded; REFUNDCLOSE releases the claim. An outcome without WeChat's number
   * applies only to a refund that has no number either. CHANGE does not apply if a payout was
   * requested since `refund` was read. Returns the refund afterwards.
   */
  settle(refund: Refund, outcome: RefundOutcome, at: Date): Promise<Refund>
  /**
   * Stops the automatic retries and appends an event, once: a person must look. False if the refund
   * has changed meanwhile.
   */
  park(refund: Refund, at: Date): Promise<boolean>
  /** Undoes `park`: the automatic retries begin again. */
  unpark(refund: Refund, at: Date): Promise<Refund>
  /**
   * Ends the work on a closed refund, after WeChat's other refunds of the order were stored or
   * recorded as an incident.
   */
  finishClosed(refund: Refund): Promise<void>
  /**
   * Takes the refunds that are due at `dueAt`, the longest due first: unfinished refunds, and
   * closed ones whose claim may have kept another refund out of the ledger. Sets the next due time
   * of each; the pause grows with its wait.
   */
  takeUnfinished(limit: number, dueAt: Date, at: Date): Promise<readonly Refund[]>
}

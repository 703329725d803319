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

/** The refunds' part of the truth. As with orders, each change is one atomic statement with its condition inside. */
export interface Refunds {
  find(outRefundNo: OutRefundNo): Promise<Refund | null>
  /** All refunds of an order that are stored here. */
  listByOrder(outTradeNo: OutTradeNo): Promise<readonly Refund[]>
  /**
   * Lays claim to the amount and stores the refund, before WeChat hears of it. `too_much` when what was paid does not
   * cover all claims; `number_taken` when the number is stored already.
   */
  claim(draft: RefundDraft, at: Date): Promise<Refund | 'too_much' | 'number_taken'>
  /** Claims the amount of a refund that WeChat already has. It is stored with WeChat's number, so it is never sent. */
  adopt(
    draft: RefundDraft,
    refundId: string,
    at: Date,
  ): Promise<Refund | 'too_much' | 'number_taken'>
  /** Notes WeChat's number; the order is REFUND from now on. `at` is the latest moment WeChat can have started it. */
  accepted(refund: Refund, refundId: string, at: Date): Promise<Refund>
  /** Notes why WeChat has not accepted it yet. */
  postponed(refund: Refund, errCode: string, errText: string | null): Promise<Refund>
  /**
   * PROCESSING or CHANGE to the outcome, once, with its event; SUCCESS counts the money as given back, REFUNDCLOSE gives
   * up the claim. An outcome without WeChat's number ends only a refund that has none either. Returns what the refund is afterwards.
   */
  settle(refund: Refund, outcome: RefundOutcome, at: Date): Promise<Refund>
  /** Stops the automatic retries and appends an event, once: a person must look. False if the refund has changed meanwhile. */
  park(refund: Refund, at: Date): Promise<boolean>
  /** Undoes `park`: the automatic retries begin again. */
  unpark(refund: Refund, at: Date): Promise<Refund>
  /** Ends the work on a closed refund, once WeChat's other refunds of the order are stored or have been reported. */
  noteTakenIn(refund: Refund): Promise<void>
  /**
   * Takes the refunds that are due at `dueAt`, the longest due first: those to ask WeChat about, and closed ones whose claim
   * may have kept another refund out. Sets when each is due again; the pause grows with its wait.
   */
  takeUnfinished(limit: number, dueAt: Date, at: Date): Promise<readonly Refund[]>
}

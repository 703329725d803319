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
  /** The same for a refund that WeChat has already: it is stored with WeChat's number, so that it is never sent. */
  adopt(draft: RefundDraft, refundId: string, at: Date): Promise<Refund | 'too_much' | 'number_taken'>
  /** Notes WeChat's number; the order is REFUND from now on. `at` is the latest moment WeChat can have started it. */
  accepted(refund: Refund, refundId: string, at: Date): Promise<Refund>
  /** Notes why WeChat has not accepted it yet. */
  postponed(refund: Refund, errCode: string, errText: string | null): Promise<Refund>
  /**
   * PROCESSING or CHANGE to the outcome, once, with its event; SUCCESS counts the money as given back, REFUNDCLOSE gives
   * up the claim. Without WeChat's number it ends only a refund that has none. Returns what the refund is afterwards.
   */
  settle(refund: Refund, outcome: RefundOutcome, at: Date): Promise<Refund>
  /** Ends the automatic attempts for a person to look, once, with its event. False for a refund that has moved since. */
  park(refund: Refund, at: Date): Promise<boolean>
  /** Undoes `park`: the refund is asked about by itself again. */
  unpark(refund: Refund, at: Date): Promise<Refund>
  /** The claim of this closed refund holds nothing up any more: WeChat's other refunds of the order are stored. */
  noteTakenIn(refund: Refund): Promise<void>
  /**
   * Refunds to ask WeChat about that were due at `dueAt`, the longest due first, and closed ones whose claim may have kept
   * another refund out. Notes when each is due again: the longer it has waited, the later.
   */
  takeUnfinished(limit: number, dueAt: Date, at: Date): Promise<readonly Refund[]>
}

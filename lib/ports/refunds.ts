import type { OutRefundNo, OutTradeNo } from '../core/ids.ts'
import type { Fen } from '../core/money.ts'
import type { Refund, RefundStatus } from '../core/refund.ts'

export interface RefundDraft {
  readonly outRefundNo: OutRefundNo
  readonly outTradeNo: OutTradeNo
  readonly refundFee: Fen
  readonly refundDesc: string | null
}

/** The refunds' part of the truth. As with orders, each change is one atomic statement with its condition inside. */
export interface Refunds {
  find(outRefundNo: OutRefundNo): Promise<Refund | null>
  /**
   * Lays claim to the amount and stores the refund, before WeChat hears of it. `too_much` when what was paid does not
   * cover all claims; `number_taken` when the number is stored already.
   */
  claim(draft: RefundDraft, at: Date): Promise<Refund | 'too_much' | 'number_taken'>
  /**
   * Notes WeChat's number; the order is REFUND from now on. `at` is the latest moment WeChat can have started it; null
   * when nobody here knows, as with a refund made in the merchant console.
   */
  accepted(refund: Refund, refundId: string, at: Date | null): Promise<Refund>
  /** Notes why WeChat has not accepted it yet. */
  postponed(refund: Refund, errCode: string): Promise<Refund>
  /**
   * PROCESSING or CHANGE to the outcome, once, with its event; SUCCESS counts the money as given back, REFUNDCLOSE gives
   * up the claim. Returns what the refund is afterwards.
   */
  settle(
    refund: Refund,
    outcome: { readonly refundStatus: RefundStatus; readonly refundId: string | null; readonly errCode: string | null },
    at: Date,
  ): Promise<Refund>
  /** Refunds WeChat may still have news of, neither claimed nor asked about after `quietSince`, the quietest first. Notes that they are being asked. */
  takeUnfinished(limit: number, quietSince: Date, at: Date): Promise<readonly Refund[]>
}

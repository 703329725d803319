import type { OutRefundNo, OutTradeNo } from './ids.ts'
import type { Fen } from './money.ts'
import type { PaidOrder } from './order.ts'

/**
 * Our own words; each adapter translates WeChat's into them. PROCESSING: requested, outcome not
 * known yet. REFUNDCLOSE: it will not happen, and the amount may be requested again under a new
 * number. CHANGE: the payer's card accepts no money; the merchant decides where it goes.
 */
export type RefundStatus = 'PROCESSING' | 'SUCCESS' | 'REFUNDCLOSE' | 'CHANGE'

/**
 * Where the money of a refund in CHANGE goes. Account and name are personal data: they are passed
 * to WeChat, and never stored or logged.
 */
export type Payout =
  | { readonly type: 'merchant_bank_card' }
  | {
      readonly type: 'user_bank_card'
      readonly bankType: string
      readonly bankAccount: string
      readonly realName: string
    }

/** The facts of a payment that never change. They identify it at WeChat. */
export type Payment = Pick<
  PaidOrder,
  'account' | 'outTradeNo' | 'transactionId' | 'openid' | 'totalFee' | 'notifyUrl'
>

export interface Refund {
  /** The payment that is refunded. */
  readonly payment: Payment
  readonly outRefundNo: OutRefundNo
  readonly outTradeNo: OutTradeNo
  readonly refundFee: Fen
  readonly refundDesc: string | null
  readonly refundStatus: RefundStatus
  /** WeChat's number; null until it has accepted the refund. */
  readonly refundId: string | null
  /** Why WeChat refused, or has not accepted it yet. */
  readonly errCode: string | null
  /** WeChat's own text beside `errCode`, cleaned. Shown to the merchant, never to the payer. */
  readonly errText: string | null
  /**
   * The latest of the request, WeChat's acceptance, a change of status, and the merchant's retry
   * after parking.
   */
  readonly waitingSince: Date
  /**
   * The refund is no longer retried automatically, and its claim stays. The merchant's next request
   * for it resumes the retries.
   */
  readonly isParked: boolean
  /**
   * The latest request to pay the refund to another account. Null: there was none, so CHANGE never
   * becomes PROCESSING.
   */
  readonly payoutRequestedAt: Date | null
}

/**
 * Whether no later answer of WeChat changes the refund. CHANGE is not final, because a person may
 * still complete it.
 */
export const isFinalRefund = (refund: Refund): boolean =>
  refund.refundStatus === 'SUCCESS' || refund.refundStatus === 'REFUNDCLOSE'

/** Whether WeChat is not known to have accepted the refund. */
export const isUnacceptedRefund = (refund: Refund): boolean =>
  refund.refundStatus === 'PROCESSING' && refund.refundId === null

/**
 * The longest wait for WeChat's acceptance: long enough to top up the balance or to renew the
 * certificate. After that a person must look.
 */
const LONGEST_ACCEPTANCE_MS = 7 * 86_400_000
/** WeChat needs up to three working days to a bank card, and the longest holiday has eight days. */
const LONGEST_PAYOUT_MS = 15 * 86_400_000

/** Whether automatic retries end, because the refund has waited too long. */
export const isOverdueRefund = (refund: Refund, now: Date): boolean =>
  now.getTime() - refund.waitingSince.getTime() >
  (refund.refundId === null ? LONGEST_ACCEPTANCE_MS : LONGEST_PAYOUT_MS)

/** A refund as callers and webhooks see it. */
export interface RefundView {
  readonly outRefundNo: string
  readonly outTradeNo: string
  readonly refundId?: string
  readonly refundFee: number
  readonly refundStatus: RefundStatus
  readonly errCode?: string
  readonly errText?: string
}

export const toRefundView = (refund: Refund): RefundView => ({
  outRefundNo: refund.outRefundNo,
  outTradeNo: refund.outTradeNo,
  ...(refund.refundId === null ? {} : { refundId: refund.refundId }),
  refundFee: refund.refundFee,
  refundStatus: refund.refundStatus,
  ...(refund.errCode === null ? {} : { errCode: refund.errCode }),
  ...(refund.errText === null ? {} : { errText: refund.errText }),
})

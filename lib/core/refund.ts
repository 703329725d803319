import type { OutRefundNo, OutTradeNo } from './ids.ts'
import type { Fen } from './money.ts'

/**
 * WeChat's own words. PROCESSING: asked for, outcome not known yet. REFUNDCLOSE: it will not happen, and the amount may
 * be asked for again under a new number. CHANGE: the payer's card takes no money; a person handles it in the console.
 */
export type RefundStatus = 'PROCESSING' | 'SUCCESS' | 'REFUNDCLOSE' | 'CHANGE'

export interface Refund {
  readonly outRefundNo: OutRefundNo
  readonly outTradeNo: OutTradeNo
  readonly refundFee: Fen
  readonly refundDesc: string | null
  readonly refundStatus: RefundStatus
  /** WeChat's number; null until it has accepted the refund. */
  readonly refundId: string | null
  /** Why WeChat refused, or has not accepted it yet. */
  readonly errCode: string | null
}

/** Nothing WeChat says later changes it. CHANGE is not final: a person may yet bring it to SUCCESS. */
export const isFinalRefund = (refund: Refund): boolean => refund.refundStatus === 'SUCCESS' || refund.refundStatus === 'REFUNDCLOSE'

/** A refund as callers and webhooks see it. */
export interface RefundView {
  readonly outRefundNo: string
  readonly outTradeNo: string
  readonly refundId?: string
  readonly refundFee: number
  readonly refundStatus: RefundStatus
  readonly errCode?: string
}

export const toRefundView = (refund: Refund): RefundView => ({
  outRefundNo: refund.outRefundNo,
  outTradeNo: refund.outTradeNo,
  ...(refund.refundId === null ? {} : { refundId: refund.refundId }),
  refundFee: refund.refundFee,
  refundStatus: refund.refundStatus,
  ...(refund.errCode === null ? {} : { errCode: refund.errCode }),
})

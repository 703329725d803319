import type { RefundStatus } from '../../core/refund.ts'

/** Translates a status of APIv2, whose words are the same as ours; null if the word is unknown. */
export const parseRefundStatus = (text: string): RefundStatus | null =>
  text === 'SUCCESS' || text === 'PROCESSING' || text === 'REFUNDCLOSE' || text === 'CHANGE'
    ? text
    : null

import type { RefundStatus } from '../../core/refund.ts'

const STATUSES: ReadonlyMap<string, RefundStatus> = new Map([
  ['SUCCESS', 'SUCCESS'],
  ['PROCESSING', 'PROCESSING'],
  ['CLOSED', 'REFUNDCLOSE'],
  ['ABNORMAL', 'CHANGE'],
])

/** Translates a status of APIv3 into ours; null if the word is unknown. */
export const parseRefundStatus = (text: string): RefundStatus | null => STATUSES.get(text) ?? null

import type { ComplaintId, OutTradeNo } from './ids.ts'
import { toRfc3339 } from './time.ts'

/**
 * WeChat's states. PENDING: the merchant has not replied. PROCESSING: replied, and not finished.
 * PROCESSED: finished. A payer who continues a complaint may reopen it.
 */
export const COMPLAINT_STATES = ['PENDING', 'PROCESSING', 'PROCESSED'] as const
export type ComplaintState = (typeof COMPLAINT_STATES)[number]

/**
 * The deadlines count from the complaint. If the merchant misses one, WeChat may take the amount
 * from the merchant's account and pay the payer back.
 *
 * Source: https://kf.qq.com/faq/230125a6NbmA230125vMNZnE.html
 */
const REPLY_WITHIN_MS = 24 * 3_600_000
const FINISH_WITHIN_MS = 72 * 3_600_000

/** The merchant is warned this long before a deadline. */
const WARN_BEFORE_MS = 4 * 3_600_000

/** The tasks of the merchant. Each has its own deadline. */
export const COMPLAINT_TASKS = ['reply', 'finish'] as const
export type ComplaintTask = (typeof COMPLAINT_TASKS)[number]

/** A complaint from WeChat's verified answer. The payer's phone number is not part of it. */
export interface KnownComplaint {
  readonly complaintId: ComplaintId
  readonly state: ComplaintState
  readonly complainedAt: Date
  /** The payer's own text. */
  readonly detail: string
  /** `REFUND`, `SERVICE_NOT_WORK`, `OTHERS`, or a value that WeChat adds later. */
  readonly problemType: string | null
  readonly openid: string | null
  /** The payment that the complaint is about, with WeChat's numbers. */
  readonly payment: {
    readonly outTradeNo: string
    readonly transactionId: string
    readonly totalFee: number
  } | null
  /** The refund that the payer applies for, in fen. */
  readonly applyRefundFee: number | null
  readonly isFullyRefunded: boolean
  /** True if the payer has written and the merchant has not replied since. */
  readonly isReplyAwaited: boolean
  /** How often the payer has complained about the payment. */
  readonly times: number
}

/** A complaint that is stored here. */
export interface Complaint extends KnownComplaint {
  /** Our order; null if the ledger does not have it. */
  readonly outTradeNo: OutTradeNo | null
}

/** The deadline of a task. */
export const deadlineOf = (
  { complainedAt }: Pick<KnownComplaint, 'complainedAt'>,
  task: ComplaintTask,
): Date =>
  new Date(complainedAt.getTime() + (task === 'reply' ? REPLY_WITHIN_MS : FINISH_WITHIN_MS))

/** When the merchant is warned, if the task is not done by then. */
export const warningOf = (
  complaint: Pick<KnownComplaint, 'complainedAt'>,
  task: ComplaintTask,
): Date => new Date(deadlineOf(complaint, task).getTime() - WARN_BEFORE_MS)

/** A complaint as the merchant sees it. */
export interface ComplaintView {
  readonly complaintId: string
  readonly state: ComplaintState
  readonly complainedAt: string
  readonly replyBy: string
  readonly finishBy: string
  /** Null if the ledger does not have the order. */
  readonly outTradeNo: string | null
  readonly transactionId?: string
  readonly openid?: string
  readonly totalFee?: number
  readonly problemType?: string
  readonly applyRefundFee?: number
  readonly isFullyRefunded: boolean
  readonly isReplyAwaited: boolean
  readonly times: number
}

/** Leaves out the payer's text, because events are stored and sent to another system. */
export const toComplaintView = (complaint: Complaint): ComplaintView => ({
  complaintId: complaint.complaintId,
  state: complaint.state,
  complainedAt: toRfc3339(complaint.complainedAt),
  replyBy: toRfc3339(deadlineOf(complaint, 'reply')),
  finishBy: toRfc3339(deadlineOf(complaint, 'finish')),
  outTradeNo: complaint.outTradeNo,
  ...(complaint.payment === null
    ? {}
    : { transactionId: complaint.payment.transactionId, totalFee: complaint.payment.totalFee }),
  ...(complaint.openid === null ? {} : { openid: complaint.openid }),
  ...(complaint.problemType === null ? {} : { problemType: complaint.problemType }),
  ...(complaint.applyRefundFee === null ? {} : { applyRefundFee: complaint.applyRefundFee }),
  isFullyRefunded: complaint.isFullyRefunded,
  isReplyAwaited: complaint.isReplyAwaited,
  times: complaint.times,
})

export type DetailedComplaintView = ComplaintView & { readonly detail: string }

export const toDetailedComplaintView = (complaint: Complaint): DetailedComplaintView => ({
  ...toComplaintView(complaint),
  detail: complaint.detail,
})

/** The event `complaint.overdue`: the task that is not done, and its deadline. */
export type OverdueComplaintView = ComplaintView & {
  readonly task: ComplaintTask
  readonly deadline: string
}

export const toOverdueComplaintView = (
  complaint: Complaint,
  task: ComplaintTask,
): OverdueComplaintView => ({
  ...toComplaintView(complaint),
  task,
  deadline: toRfc3339(deadlineOf(complaint, task)),
})

/** One entry of a complaint's history at WeChat. */
export interface ComplaintEntry {
  readonly at: Date
  /** WeChat's name of the person or the role. */
  readonly operator: string
  /** WeChat's word, such as `MERCHANT_RESPONSE`. */
  readonly type: string
  readonly text: string
  /** URLs that only the merchant can open, for an hour. */
  readonly images: readonly string[]
}

export const toComplaintEntryView = ({ at, operator, type, text, images }: ComplaintEntry) => ({
  at: toRfc3339(at),
  operator,
  type,
  ...(text === '' ? {} : { text }),
  ...(images.length === 0 ? {} : { images }),
})

/** An action of the merchant on a complaint. */
export type ComplaintAction =
  | { readonly action: 'reply'; readonly content: string }
  | { readonly action: 'finish' }
  | {
      readonly action: 'refund'
      readonly decision: 'approve'
      /** Working days until the refund begins; 0 is today. */
      readonly refundInDays: number
    }
  | { readonly action: 'refund'; readonly decision: 'reject'; readonly reason: string }

import type { ComplaintView, OverdueComplaintView } from '../core/complaint.ts'
import type { MerchantOrderView } from '../core/order.ts'
import type { RefundView } from '../core/refund.ts'
import type { Result } from '../core/result.ts'
import type { Incident } from './ledger.ts'

export interface StoredEvent {
  readonly id: string
  readonly type: EventType
  readonly createdAt: Date
  readonly data:
    | MerchantOrderView
    | RefundView
    | FailedShipmentView
    | ComplaintView
    | OverdueComplaintView
    | Omit<Incident, 'at'>
}

/** An event on lease. */
export interface TakenEvent extends StoredEvent {
  /** The time at which the lease began. It identifies the lease. */
  readonly takenAt: Date
  /**
   * Deliveries with a recorded outcome. If a person sets the column to 0, the attempts and their
   * three days begin again.
   */
  readonly attempts: number
  readonly firstAttemptAt: Date
  /**
   * The previous delivery recorded no outcome: its instance died, or the database did not store it.
   */
  readonly isUnfinished: boolean
}

export type EventType =
  | 'order.paid'
  | 'order.closed'
  | 'order.settled'
  | 'refund.succeeded'
  | 'refund.failed'
  | 'refund.needs_attention'
  | 'shipping.failed'
  | 'complaint.created'
  | 'complaint.overdue'
  | 'shipping.overdue'
  | 'payment.incident'

/** An order whose shipment failed for good, and why. */
export type FailedShipmentView = MerchantOrderView & {
  readonly errCode: string
  readonly errText?: string
}

export interface Outbox {
  /**
   * Takes due events on lease until `leaseUntil`: oldest first, those of one order in order. Taking
   * does not count as an attempt.
   */
  takeDue(limit: number, at: Date, leaseUntil: Date): Promise<readonly TakenEvent[]>
  /** Returns true if a later event of the same order waited for this one. */
  markDelivered(id: string, at: Date): Promise<boolean>
  /**
   * Records a failed attempt, unless another run holds the lease. `nextAttemptAt` null: there is no
   * further attempt, and a person must look.
   */
  reschedule(
    event: TakenEvent,
    failed: { readonly code: NotTaken['code']; readonly at: Date },
    nextAttemptAt: Date | null,
  ): Promise<void>
}

/** Why the merchant's system did not accept an event. */
export interface NotTaken {
  /**
   * The status of the answer, or why there was none: `timeout`, `dns`, `tls`, `network`. With
   * QStash, `qstash_` precedes it.
   */
  readonly code: string
  /** The receiver wants no further attempt. */
  readonly isFinal: boolean
  /** The pause that the receiver asked for, at most a day. */
  readonly retryAfterMs: number
}

/** The merchant's own system. */
export interface Webhook {
  /** Signs and sends one event. It is delivered when the answer is 2xx and in time. */
  deliver(event: StoredEvent): Promise<Result<null, NotTaken>>
}

/** Calls of cron at certain times, in addition to its own schedule. */
export interface DelayedCalls {
  /**
   * Schedules a call of cron. A second call with the same name within some minutes is dropped.
   * Returns null, or why it was not scheduled.
   */
  schedule(name: string, at: Date): Promise<string | null>
}

import type { OrderView } from '../core/order.ts'
import type { RefundView } from '../core/refund.ts'
import type { Result } from '../core/result.ts'
import type { Incident } from './ledger.ts'

export interface StoredEvent {
  readonly id: string
  readonly type: EventType
  readonly createdAt: Date
  readonly data: OrderView | RefundView | FailedShipmentView | Omit<Incident, 'at'>
}

/** An event on lease. */
export interface TakenEvent extends StoredEvent {
  /** Names the lease. */
  readonly takenAt: Date
  /** Deliveries whose outcome was recorded. Setting the column to 0 begins the attempts anew. */
  readonly attempts: number
  readonly firstAttemptAt: Date
  /** The delivery before this one left no outcome: its instance died, or the outcome could not be stored. */
  readonly isUnfinished: boolean
}

export type EventType =
  | 'order.paid'
  | 'order.closed'
  | 'refund.succeeded'
  | 'refund.failed'
  | 'refund.needs_attention'
  | 'shipping.failed'
  | 'payment.incident'

/** The order whose shipment WeChat does not have, and why. */
export type FailedShipmentView = OrderView & { readonly errCode: string; readonly errText?: string }

export interface Outbox {
  /** Takes due events on lease until `leaseUntil`, oldest first and an order's in order. Taking alone is not an attempt. */
  takeDue(limit: number, at: Date, leaseUntil: Date): Promise<readonly TakenEvent[]>
  /** Returns whether a later event of the same order waited for this one. */
  delivered(id: string, at: Date): Promise<boolean>
  /** Changes nothing once another run holds the lease. Null: no further attempt, a person must look. */
  failed(event: TakenEvent, nextAttemptAt: Date | null): Promise<void>
}

/** Why the merchant's system has not taken an event. */
export interface NotTaken {
  /** Its status, or why none came: `timeout`, `dns`, `tls`, `network`. Of QStash: the same after `qstash_`. */
  readonly code: string
  /** It wants no further attempt. */
  readonly isFinal: boolean
  /** How long it asked us to wait, at most a day. */
  readonly retryAfterMs: number
}

/** The merchant's own system. */
export interface Merchant {
  /** Signs and sends one event; taken means 2xx in time. */
  tell(event: StoredEvent): Promise<Result<null, NotTaken>>
}

import type { OrderView } from '../core/order.ts'
import type { RefundView } from '../core/refund.ts'
import type { Result } from '../core/result.ts'
import type { Incident } from './ledger.ts'

export interface StoredEvent {
  readonly id: string
  readonly type: EventType
  readonly createdAt: Date
  readonly data: OrderView | RefundView | Omit<Incident, 'at'>
  /** Deliveries tried before this one. */
  readonly attempts: number
}

export type EventType = 'order.paid' | 'order.closed' | 'refund.succeeded' | 'refund.failed' | 'payment.incident'

export interface Outbox {
  /** Takes due events, oldest first and an order's in order, out of everybody else's reach until `leaseUntil`. */
  takeDue(limit: number, at: Date, leaseUntil: Date): Promise<readonly StoredEvent[]>
  /** Returns whether a later event of the same order waited for this one. */
  delivered(id: string, at: Date): Promise<boolean>
  /** Null: no further attempt, a person must look. */
  failed(id: string, nextAttemptAt: Date | null): Promise<void>
}

/** The merchant's own system. */
export interface Merchant {
  /** Signs and sends one event; what came instead of 2xx in time: the status, or `no_answer`. */
  tell(event: StoredEvent): Promise<Result<null, string>>
}

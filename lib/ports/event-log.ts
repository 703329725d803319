import type { Period } from './ledger.ts'
import type { StoredEvent } from './outbox.ts'

/** An attempt to deliver an event whose outcome was recorded. */
export interface Attempt {
  readonly at: Date
  /** `delivered`, or the code of `NotTaken`. */
  readonly code: string
}

/**
 * `waiting`: it is sent at `nextAttemptAt`, or once an earlier event of its order is delivered.
 * `parked`: it was given up, and waits for a person.
 */
export type Delivery =
  | { readonly state: 'delivered'; readonly deliveredAt: Date }
  | { readonly state: 'waiting'; readonly nextAttemptAt: Date }
  | { readonly state: 'parked' }

export interface LoggedEvent extends StoredEvent {
  readonly outTradeNo: string | null
  readonly delivery: Delivery
  /** Oldest first. */
  readonly attempts: readonly Attempt[]
}

export interface EventFilter {
  /** `undelivered`: waiting or parked. Null: in any state. */
  readonly state: 'undelivered' | 'parked' | null
  /** Null: events of all orders. */
  readonly outTradeNo: string | null
  /** When the event was stored. Null: at any time, and sorted by the order of storing. */
  readonly created: Period | null
  /** Only events that come after this one in the list. */
  readonly before: string | null
  readonly limit: number
}

/** The events of the outbox, for the person who looks after their delivery. */
export interface EventLog {
  /** Newest first. */
  list(
    filter: EventFilter,
  ): Promise<{ readonly events: readonly LoggedEvent[]; readonly next: string | null }>
  /**
   * Makes the event due at `at`, under the same id, as if it had never been sent: its attempts are
   * counted from zero, for another three days. Returns the event afterwards; null for an unknown
   * id.
   */
  sendAgain(id: string, at: Date): Promise<LoggedEvent | null>
}

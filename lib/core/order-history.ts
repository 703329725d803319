/** The kinds of moments in the history of an order. */
export const HISTORY_KINDS = [
  'placed',
  'closed',
  'paid',
  'payment_recorded',
  'refund_requested',
  'refund_accepted',
  'refund_changed',
  'refund_parked',
  'shipment_requested',
  'shipment_reported',
  'shipped',
  'overdue',
  'received',
  'settled',
  'complaint',
  'incident',
  'incident_handled',
  'event',
  'event_attempt',
] as const

/** A moment in the life of an order, with the facts that are stored about it. */
export interface HistoryEntry {
  readonly at: Date
  readonly kind: (typeof HISTORY_KINDS)[number]
  readonly facts: Readonly<Record<string, string | number | boolean>>
}

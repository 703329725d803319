/** Stored rows as the console shows them to the merchant. */
import type { HistoryEntry } from '../core/order-history.ts'
import { toRfc3339 } from '../core/time.ts'
import type { LoggedEvent, StoredIncident } from '../ports.ts'

export const toIncidentView = ({ at, handled, ...incident }: StoredIncident) => ({
  id: incident.id,
  kind: incident.kind,
  outTradeNo: incident.outTradeNo,
  expected: incident.expected,
  received: incident.received,
  source: incident.source,
  occurredAt: toRfc3339(at),
  ...(handled === null ? {} : { handledAt: toRfc3339(handled.at), note: handled.note }),
})

export const toEventView = ({ createdAt, delivery, attempts, ...event }: LoggedEvent) => ({
  id: event.id,
  type: event.type,
  outTradeNo: event.outTradeNo,
  createdAt: toRfc3339(createdAt),
  state: delivery.state,
  ...(delivery.state === 'delivered' ? { deliveredAt: toRfc3339(delivery.deliveredAt) } : {}),
  ...(delivery.state === 'waiting' ? { nextAttemptAt: toRfc3339(delivery.nextAttemptAt) } : {}),
  attempts: attempts.map(({ at, code }) => ({ at: toRfc3339(at), code })),
  data: event.data,
})

export const toEntryView = ({ at, kind, facts }: HistoryEntry) => ({
  at: toRfc3339(at),
  kind,
  facts,
})

/** A page with the cursor of the next one, if there is one. */
export const toPage = (name: string, rows: readonly object[], next: string | number | null) => ({
  [name]: rows,
  ...(next === null ? {} : { nextCursor: String(next) }),
})

import type { Incident, Period } from './ledger.ts'

/** An incident that is stored. It is kept after a person has handled it. */
export interface StoredIncident extends Incident {
  readonly id: number
  /** Null while it waits for a person. */
  readonly handled: { readonly at: Date; readonly note: string } | null
}

export interface IncidentFilter {
  /** Null: both. */
  readonly state: 'open' | 'handled' | null
  /** The time of the incident. Null: at any time, and sorted by id. */
  readonly occurred: Period | null
  /** Only incidents that come after this one in the list. */
  readonly before: number | null
  readonly limit: number
}

/** The incidents of the ledger, for the person who handles them. */
export interface Incidents {
  /** Newest first. */
  list(
    filter: IncidentFilter,
  ): Promise<{ readonly incidents: readonly StoredIncident[]; readonly next: number | null }>
  /**
   * Marks the incident as handled. If it is handled already, nothing changes. Returns the incident
   * afterwards; null for an unknown id.
   */
  handle(id: number, note: string, at: Date): Promise<StoredIncident | null>
}

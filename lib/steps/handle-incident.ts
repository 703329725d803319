import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps, IncidentFilter, StoredIncident } from '../ports.ts'

/** A page of incidents, newest first. */
export const listIncidents = (
  deps: Pick<Deps, 'incidents'>,
  filter: IncidentFilter,
): ReturnType<Deps['incidents']['list']> => deps.incidents.list(filter)

/**
 * Marks an incident as handled, with a note. The same note again changes nothing. Another note is
 * refused, because the first one is never replaced.
 */
export async function handleIncident(
  { incidents, clock }: Pick<Deps, 'incidents' | 'clock'>,
  { id, note }: { readonly id: number; readonly note: string },
): Promise<Outcome<StoredIncident>> {
  const incident = await incidents.handle(id, note, clock.now())
  if (incident === null) return err({ reason: 'incident_not_found' })
  return incident.handled?.note === note ? ok(incident) : err({ reason: 'incident_handled' })
}

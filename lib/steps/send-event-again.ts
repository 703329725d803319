import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps, EventFilter, LoggedEvent } from '../ports.ts'
import { deliver } from './deliver.ts'

/** A page of events, newest first. */
export const listEvents = (
  deps: Pick<Deps, 'eventLog'>,
  filter: EventFilter,
): ReturnType<Deps['eventLog']['list']> => deps.eventLog.list(filter)

/**
 * Sends an event again under the same id, even if it was delivered or given up. It is sent after
 * this request is answered. If the receiver does not accept it, it is retried like a new event.
 */
export async function sendEventAgain(
  deps: Pick<Deps, 'eventLog' | 'waitUntil'> & Parameters<typeof deliver>[0],
  id: string,
): Promise<Outcome<LoggedEvent>> {
  if (deps.webhook === null)
    return err({ reason: 'not_configured', variable: 'ORDER_WEBHOOK_URL', fault: 'is not set' })
  const event = await deps.eventLog.sendAgain(id, deps.clock.now())
  if (event === null) return err({ reason: 'event_not_found' })
  deps.waitUntil(() => deliver(deps))
  return ok(event)
}

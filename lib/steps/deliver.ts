import { allDone } from '../core/all-done.ts'
import type { Deps, Merchant, StoredEvent } from '../ports.ts'

/** Pauses before each further attempt, in seconds: three days in all, then an event waits for a person. */
const PAUSES_SECONDS = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400]

/** Longer than one delivery may take, so that two runs never send the same attempt twice. */
const LEASE_MS = 30_000

/** A few at a time: this also runs after ordinary requests. */
const BATCH = 10

type Courier = Pick<Deps, 'outbox' | 'merchant' | 'clock' | 'randomBytes' | 'log'>

/**
 * Sends a batch of due events to the merchant's system, and what waited for them; returns how many it acknowledged.
 *
 * At least once: an event is taken for a while, sent, and only then marked. Should the instance die in between, the lease
 * runs out and the event is sent again under the same id.
 */
export async function deliver(deps: Courier): Promise<{ taken: number; delivered: number }> {
  const { merchant } = deps
  if (merchant === null) return { taken: 0, delivered: 0 }
  let [taken, delivered] = [0, 0]
  for (let more = true; more;) {
    const at = deps.clock.now()
    const events = await deps.outbox.takeDue(BATCH, at, new Date(at.getTime() + LEASE_MS))
    const outcomes = await allDone(events.map((event) => send(deps, merchant, event)))
    taken += events.length
    delivered += outcomes.filter((outcome) => outcome !== 'not_heard').length
    more = outcomes.includes('heard_and_more')
  }
  return { taken, delivered }
}

/** `heard_and_more`: a later event of the same order waited for this one. */
async function send(deps: Courier, merchant: Merchant, event: StoredEvent): Promise<'heard' | 'heard_and_more' | 'not_heard'> {
  const told = await merchant.tell(event)
  if (told.ok) return (await deps.outbox.delivered(event.id, deps.clock.now())) ? 'heard_and_more' : 'heard'
  const next = nextAttempt(deps, event)
  deps.log({
    event: next === null ? 'event_parked' : 'event_not_delivered',
    ...(event.data.outTradeNo === null ? {} : { order: event.data.outTradeNo }),
    code: told.error,
    detail: event.id,
    count: event.attempts + 1,
  })
  await deps.outbox.failed(event.id, next)
  return 'not_heard'
}

/** Up to a tenth more than the pause, so that what failed together does not come back together. */
function nextAttempt(deps: Courier, event: StoredEvent): Date | null {
  const pause = PAUSES_SECONDS[event.attempts]
  if (pause === undefined) return null
  const jitter = 1 + (deps.randomBytes(1)[0] ?? 0) / 2_560
  return new Date(deps.clock.now().getTime() + pause * jitter * 1_000)
}

import { waitForAll } from '../core/wait-for-all.ts'
import { err, ok } from '../core/result.ts'
import type { Deps, TakenEvent, Webhook } from '../ports.ts'
import { unguarded, type Guard } from './guard.ts'

/**
 * Pauses before the next attempts, in seconds. After the last of them every pause is the longest.
 */
const PAUSES_SECONDS = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200]
const LONGEST_PAUSE_SECONDS = 86_400

/**
 * A failure this long after the first attempt is the last one; the event then waits for a person.
 * The value is a little less than the sum of eleven pauses, so the twelfth failure in a row is the
 * last.
 */
const GIVE_UP_AFTER_MS = 70 * 3_600_000

/**
 * Longer than one delivery may take, from the statement that takes the event to the one that
 * records the outcome.
 */
const LEASE_MS = 30_000

/**
 * The longest delivery, without recording its outcome. With less time left no batch begins: it
 * would be cut short.
 */
const DELIVERY_MS = 15_000

/** A few at a time: this also runs after ordinary requests. */
const BATCH = 10
const MOST_BATCHES = 5

type DeliverDeps = Pick<Deps, 'outbox' | 'webhook' | 'clock' | 'randomBytes' | 'log'>

/**
 * Sends due events to the merchant's system in batches; returns how many were taken and how many
 * were acknowledged. Another batch begins only if events waited for those just sent, while `isTime`
 * says so, and while there is time to finish it.
 *
 * At least once: an event is taken on lease, sent, and only then marked. If the instance dies in
 * between, the lease expires and the event is sent again under the same id.
 */
export async function deliver(
  deps: DeliverDeps,
  isTime: () => boolean = () => true,
  guard: Guard = unguarded,
): Promise<{ taken: number; delivered: number }> {
  const { webhook } = deps
  if (webhook === null) return { taken: 0, delivered: 0 }
  let [taken, delivered, more] = [0, 0, true]
  for (
    let batch = 0;
    more && batch < MOST_BATCHES && isTime() && deps.clock.timeLeft() >= DELIVERY_MS;
    batch += 1
  ) {
    const at = deps.clock.now()
    const events = await deps.outbox.takeDue(BATCH, at, new Date(at.getTime() + LEASE_MS))
    const sent = await waitForAll(
      events.map((event) =>
        guard({ event: 'event_not_finished', detail: event.id }, async () =>
          ok(await deliverEvent(deps, webhook, event)),
        ),
      ),
    )
    const outcomes = sent.map((one) => (one.ok ? one.value : 'failed'))
    taken += events.length
    delivered += outcomes.filter((outcome) => outcome !== 'failed').length
    more = outcomes.includes('next_waits')
  }
  return { taken, delivered }
}

/** `next_waits`: delivered, and a later event of the same order waited for this one. */
async function deliverEvent(
  { outbox, clock, randomBytes, log }: DeliverDeps,
  webhook: Webhook,
  event: TakenEvent,
): Promise<'delivered' | 'next_waits' | 'failed'> {
  const { id, attempts, firstAttemptAt } = event
  const isTooOld = () => clock.now().getTime() - firstAttemptAt.getTime() >= GIVE_UP_AFTER_MS
  // Otherwise an event whose delivery always kills its instance would never be given up.
  const sent =
    event.isUnfinished && isTooOld()
      ? err({ code: 'no_outcome', isFinal: true, retryAfterMs: 0 })
      : await webhook.deliver(event)
  if (sent.ok) return (await outbox.markDelivered(id, clock.now())) ? 'next_waits' : 'delivered'
  const { code, isFinal, retryAfterMs } = sent.error
  const pause = (PAUSES_SECONDS[attempts] ?? LONGEST_PAUSE_SECONDS) * 1_000
  // Jitter of up to a tenth, so that events that failed together are not retried together.
  const jitter = 1 + (randomBytes(1)[0] ?? 0) / 2_560
  const next =
    isFinal || isTooOld()
      ? null
      : new Date(clock.now().getTime() + Math.max(pause * jitter, retryAfterMs))
  log({
    event: next === null ? 'event_parked' : 'event_not_delivered',
    ...(event.data.outTradeNo === null ? {} : { order: event.data.outTradeNo }),
    code,
    detail: id,
    count: attempts + 1,
  })
  await outbox.reschedule(event, { code, at: clock.now() }, next)
  return 'failed'
}

import { err, ok } from '../core/result.ts'
import { sendForStatus } from '../http-client/send-request.ts'
import type { Clock, Webhook } from '../ports.ts'
import { readRetryAfter } from './retry-after.ts'
import { signEvent, type WebhookSettings } from './signed-event.ts'

/**
 * Standard Webhooks recommends a timeout of 15 to 30 seconds. This one is shorter, because several
 * deliveries share one run of cron.
 */
const DEADLINE_MS = 10_000

const GONE = 410
const WITH_RETRY_AFTER: readonly number[] = [429, 503]

/** Sends events to the merchant's system. An event is delivered if a 2xx answer arrives in time. */
export const createWebhook = (
  { url, secret }: WebhookSettings,
  clock: Pick<Clock, 'now'>,
): Webhook => ({
  async deliver(event) {
    const signed = await signEvent(secret, event, clock.now())
    const answer = await sendForStatus({
      spanName: 'merchant',
      method: 'POST',
      url,
      ...signed,
      deadlineMs: DEADLINE_MS,
      // Receivers recognize a repeated event by its `webhook-id`.
      isRepeatable: true,
    })
    if ('why' in answer) return err({ code: answer.why, isFinal: false, retryAfterMs: 0 })
    const { status, retryAfter } = answer
    if (status >= 200 && status < 300) return ok(null)
    const retryAfterMs = WITH_RETRY_AFTER.includes(status)
      ? readRetryAfter(retryAfter, clock.now())
      : 0
    return err({ code: String(status), isFinal: status === GONE, retryAfterMs })
  },
})

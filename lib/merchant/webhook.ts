import { Webhook } from 'standardwebhooks'
import { toRfc3339 } from '../core/time.ts'
import { send } from '../outbound.ts'
import type { Clock, Merchant } from '../ports.ts'

/** Standard Webhooks recommends 15 to 30 s; less, because several deliveries share one run of cron. */
const DEADLINE_MS = 10_000

export interface WebhookSettings {
  readonly url: string
  /** `whsec_` and Base64, as the specification has it. */
  readonly secret: string
}

/** Sends events as the Standard Webhooks specification says: the id stays the same over every repetition. */
export function createMerchant({ url, secret }: WebhookSettings, clock: Pick<Clock, 'now'>): Merchant {
  const webhook = new Webhook(secret)
  return {
    async tell(event) {
      const body = JSON.stringify({ type: event.type, timestamp: toRfc3339(event.createdAt), data: event.data })
      const at = clock.now()
      const headers = {
        'content-type': 'application/json',
        'webhook-id': event.id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': webhook.sign(event.id, at, body),
      }
      const answer = await send({ method: 'POST', url, headers, body, deadlineMs: DEADLINE_MS, maxBytes: 1_000_000 })
      return answer !== 'no_answer' && answer.status >= 200 && answer.status < 300
    },
  }
}

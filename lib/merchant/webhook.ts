import { err, ok } from '../core/result.ts'
import { sendForStatus } from '../outbound.ts'
import type { Clock, Merchant } from '../ports.ts'
import { signEvent, type WebhookSettings } from './signed-event.ts'

/** Standard Webhooks recommends 15 to 30 s; less, because several deliveries share one run of cron. */
const DEADLINE_MS = 10_000

/** Sends events to the merchant's system ourselves; heard means 2xx in time. */
export const createWebhook = ({ url, secret }: WebhookSettings, clock: Pick<Clock, 'now'>): Merchant => ({
  async tell(event) {
    const signed = await signEvent(secret, event, clock.now())
    const answer = await sendForStatus({ hop: 'merchant', method: 'POST', url, ...signed, deadlineMs: DEADLINE_MS })
    if (answer === 'no_answer') return err('no_answer')
    return answer.status >= 200 && answer.status < 300 ? ok(null) : err(String(answer.status))
  },
})

import type { Clock, Webhook } from '../ports.ts'
import { createQstash, type QstashSettings } from './qstash.ts'
import type { WebhookSettings } from './signed-event.ts'
import { createWebhook } from './webhook.ts'

type Queue = Omit<QstashSettings, keyof WebhookSettings>

/** Delivers through QStash if there is a queue. Null: no webhook is configured. */
export function openWebhook(
  settings: WebhookSettings | null,
  queue: Queue | null,
  clock: Pick<Clock, 'now'>,
): Webhook | null {
  if (settings === null) return null
  return queue === null
    ? createWebhook(settings, clock)
    : createQstash({ ...settings, ...queue }, clock)
}

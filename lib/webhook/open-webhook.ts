import type { Clock, DelayedCalls, Webhook } from '../ports.ts'
import { createDelayedCalls, createQstash, type CronCall, type QueueSettings } from './qstash.ts'
import type { WebhookSettings } from './signed-event.ts'
import { createWebhook } from './webhook.ts'

/** Delivers through QStash if there is a queue. Null: no webhook is configured. */
export function openWebhook(
  settings: WebhookSettings | null,
  queue: QueueSettings | null,
  clock: Pick<Clock, 'now'>,
): Webhook | null {
  if (settings === null) return null
  return queue === null
    ? createWebhook(settings, clock)
    : createQstash({ ...settings, ...queue }, clock)
}

/** Null without a queue. */
export const openDelayedCalls = (
  queue: QueueSettings | null,
  cron: () => CronCall,
): DelayedCalls | null => (queue === null ? null : createDelayedCalls(queue, cron))

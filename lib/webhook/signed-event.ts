import { toRfc3339 } from '../core/time.ts'
import type { StoredEvent } from '../ports.ts'

export interface WebhookSettings {
  readonly url: string
  /** `whsec_` followed by Base64, as the Standard Webhooks specification defines it. */
  readonly secret: string
}

export interface SignedEvent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Loaded when first needed: a caller never waits for the delivery of an event. */
const load = async () => (await import('standardwebhooks')).Webhook
let loading: ReturnType<typeof load> | undefined

/** Signs an event as the Standard Webhooks specification defines. Every retry has the same id. */
export async function signEvent(
  secret: string,
  event: StoredEvent,
  at: Date,
): Promise<SignedEvent> {
  const Webhook = await (loading ??= load())
  const body = JSON.stringify({
    type: event.type,
    timestamp: toRfc3339(event.createdAt),
    data: event.data,
  })
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': event.id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(event.id, at, body),
    },
  }
}

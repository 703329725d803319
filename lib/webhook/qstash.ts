import type { Client } from '@upstash/qstash'
import { readNoAnswer } from '../http-client/read-no-answer.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Clock, Webhook, NotTaken } from '../ports.ts'
import { traceHop } from '../trace.ts'
import { signEvent, type WebhookSettings } from './signed-event.ts'

export interface QstashSettings extends WebhookSettings {
  readonly token: string
  /** For a region of QStash or a stand-in. Undefined for QStash's default address. */
  readonly baseUrl: string | undefined
}

const DEADLINE_MS = 8_000

/** The status of QStash's answer, or the reason why it is missing. */
const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'status' in cause && typeof cause.status === 'number'
    ? String(cause.status)
    : (readNoAnswer(cause)?.why ?? 'network')

const notTaken = (code: string): Result<null, NotTaken> =>
  err({ code, isFinal: false, retryAfterMs: 0 })

/**
 * Publishes events to Upstash QStash, which delivers and retries them. An event counts as delivered
 * when QStash has accepted it. Payload and signature are those of direct delivery. The event's id
 * is the deduplication id, so QStash accepts an event once.
 *
 * QStash's library calls the global `fetch` and cannot be given another, so the HTTP client is not
 * used here. The library has no deadline, and its error messages hold the address: both are handled
 * here.
 */
export function createQstash(
  { url, secret, token, baseUrl }: QstashSettings,
  clock: Pick<Clock, 'now'>,
): Webhook {
  let client: Promise<Client> | undefined
  // Loaded when first needed, because most deployments do not use QStash.
  const load = async () => {
    const qstash = await import('@upstash/qstash')
    return new qstash.Client({
      token,
      ...(baseUrl === undefined ? {} : { baseUrl }),
      retry: false,
      enableTelemetry: false,
    })
  }
  return {
    async deliver(event) {
      const { headers, body } = await signEvent(secret, event, clock.now())
      const { promise: expired, resolve } = Promise.withResolvers<Result<null, NotTaken>>()
      const timer = setTimeout(resolve, DEADLINE_MS, notTaken('qstash_timeout'))
      const publishing = traceHop('qstash', async () =>
        (await (client ??= load())).publish({
          url,
          body,
          headers: { ...headers },
          deduplicationId: event.id,
        }),
      )
      const taken = publishing.then(
        () => ok(null),
        (cause: unknown) => notTaken(`qstash_${codeOf(cause)}`),
      )
      return Promise.race([taken, expired]).finally(() => clearTimeout(timer))
    },
  }
}

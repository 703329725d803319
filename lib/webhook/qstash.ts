import type { Client } from '@upstash/qstash'
import { readNoAnswer } from '../http-client/read-no-answer.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Clock, DelayedCalls, Webhook, NotTaken } from '../ports.ts'
import { traceHop } from '../trace.ts'
import { signEvent, type WebhookSettings } from './signed-event.ts'

export interface QueueSettings {
  readonly token: string
  /** For a region of QStash or a stand-in. Undefined for QStash's default address. */
  readonly baseUrl: string | undefined
}

export type QstashSettings = WebhookSettings & QueueSettings

const DEADLINE_MS = 8_000

/** The status of QStash's answer, or the reason why it is missing. */
const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'status' in cause && typeof cause.status === 'number'
    ? String(cause.status)
    : (readNoAnswer(cause)?.why ?? 'network')

/** Loaded when first needed, because most deployments do not use QStash. */
function lazyClient({ token, baseUrl }: QueueSettings): () => Promise<Client> {
  let client: Promise<Client> | undefined
  const load = async () => {
    const qstash = await import('@upstash/qstash')
    return new qstash.Client({
      token,
      ...(baseUrl === undefined ? {} : { baseUrl }),
      retry: false,
      enableTelemetry: false,
    })
  }
  return () => (client ??= load())
}

/** Null if QStash accepted the message, or the code of the failure. */
async function publish(
  client: () => Promise<Client>,
  message: Parameters<Client['publish']>[0],
): Promise<string | null> {
  const { promise: expired, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(resolve, DEADLINE_MS, 'qstash_timeout')
  const taken = traceHop('qstash', async () => (await client()).publish(message)).then(
    () => null,
    (cause: unknown) => `qstash_${codeOf(cause)}`,
  )
  return Promise.race([taken, expired]).finally(() => clearTimeout(timer))
}

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
  { url, secret, ...queue }: QstashSettings,
  clock: Pick<Clock, 'now'>,
): Webhook {
  const client = lazyClient(queue)
  return {
    async deliver(event) {
      const { headers, body } = await signEvent(secret, event, clock.now())
      const failure = await publish(client, {
        url,
        body,
        headers: { ...headers },
        deduplicationId: event.id,
      })
      return failure === null ? ok(null) : notTaken(failure)
    },
  }
}

export interface CronCall {
  /** The URL of the cron function. */
  readonly url: string
  /** Null: cron refuses every call. */
  readonly secret: string | null
}

/** Has QStash call cron. QStash keeps the secret of cron until then. */
export function createDelayedCalls(queue: QueueSettings, cron: () => CronCall): DelayedCalls {
  const client = lazyClient(queue)
  return {
    async schedule(name, at) {
      const { url, secret } = cron()
      if (secret === null) return 'no_cron_secret'
      return publish(client, {
        url,
        method: 'GET',
        headers: { authorization: `Bearer ${secret}` },
        notBefore: Math.ceil(at.getTime() / 1000),
        deduplicationId: name,
      })
    },
  }
}

import type { Client } from '@upstash/qstash'
import { readNoAnswer } from '../http-client/read-no-answer.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Clock, Webhook, NotTaken } from '../ports.ts'
import { traceHop } from '../trace.ts'
import { signEvent, type WebhookSettings } from './signed-event.ts'

export interface QstashSettings extends WebhookSettings {
  readonly token: string
  /** QStash's own address unless a region or a stand-in is named. */
  readonly baseUrl: string | undefined
}

const DEADLINE_MS = 8_000

/** The status of QStash's answer, or why there was none. */
const whyOf = (cause: unknown): string =>
  cause instanceof Error && 'status' in cause && typeof cause.status === 'number'
    ? String(cause.status)
    : (readNoAnswer(cause)?.why ?? 'network')

const notTaken = (code: string): Result<null, NotTaken> =>
  err({ code, isFinal: false, retryAfterMs: 0 })

/**
 * Hands events to Upstash QStash, which delivers and repeats them from there; heard means that QStash has taken it.
 *
 * The same payload and signature as without it. The event's id keeps QStash from taking one event twice. Its library has
 * no deadline of its own, and its error texts hold the address: both end here.
 */
export function createQstash(
  { url, secret, token, baseUrl }: QstashSettings,
  clock: Pick<Clock, 'now'>,
): Webhook {
  let client: Promise<Client> | undefined
  // Loaded when first needed: most shops never do.
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
      const { promise: tooLate, resolve } = Promise.withResolvers<Result<null, NotTaken>>()
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
        (cause: unknown) => notTaken(`qstash_${whyOf(cause)}`),
      )
      return Promise.race([taken, tooLate]).finally(() => clearTimeout(timer))
    },
  }
}

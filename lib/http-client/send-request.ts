import type { NoAnswer } from '../core/no-answer.ts'
import { timeLeft } from '../request-context.ts'
import { traceHop } from '../trace.ts'
import { callByOfetch, mayHaveBody } from './ofetch.ts'
import { serverError, spanAttributes, tooLarge, toNoAnswer } from './read-no-answer.ts'
import { exchange, readAtMost, request, type Outgoing } from './request.ts'

export interface TracedRequest extends Outgoing {
  /** Never an address, which may contain a secret. */
  readonly spanName: string
  /** Less if the calling request has less time left. */
  readonly deadlineMs: number
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
}

/**
 * Sends one request to WeChat. Without an answer the outcome is unknown: the request may have
 * arrived. A status of 500 or more counts as no answer.
 */
export const sendRequest = (
  outgoing: TracedRequest & { readonly maxBytes: number },
): Promise<Answer | NoAnswer> => traced(outgoing.spanName, () => wholeAnswer(outgoing))

const traced = <T extends { readonly status: number }>(
  spanName: string,
  attempt: () => Promise<T>,
): Promise<T | NoAnswer> =>
  traceHop(spanName, async (note) => {
    const answer = await attempt().catch(toNoAnswer)
    note('why' in answer ? spanAttributes(answer) : { 'http.response.status_code': answer.status })
    return answer
  })

async function wholeAnswer({
  maxBytes,
  deadlineMs,
  ...outgoing
}: TracedRequest & { readonly maxBytes: number }): Promise<Answer> {
  const limits = { maxBytes, deadlineMs: Math.min(deadlineMs, timeLeft()) }
  const response = await callByOfetch(outgoing, async (prepared) => {
    const { status, headers, bytes } = await exchange(prepared, limits)
    if (status >= 500) throw serverError(status)
    if (bytes === null) throw tooLarge()
    const init = { status, headers: toPairs(headers) }
    return new Response(mayHaveBody(status) ? bytes : null, init)
  })
  const { status, headers } = response
  return { status, headers, bytes: new Uint8Array(await response.arrayBuffer()) }
}

const toPairs = (headers: Readonly<Record<string, string | string[] | undefined>>) =>
  Object.entries(headers).flatMap(([name, values = []]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  )

/** The status and one header of an answer whose body is not used. */
export interface AnswerHead {
  readonly status: number
  readonly retryAfter: string | null
}

/**
 * Sends one request whose status is all that matters. The answer counts once its headers have
 * arrived, whatever the body does.
 */
export const sendForStatus = (outgoing: TracedRequest): Promise<AnswerHead | NoAnswer> =>
  traced(outgoing.spanName, async () => {
    const answer = await request(outgoing, Math.min(outgoing.deadlineMs, timeLeft()))
    // A short body is read, so that the connection can be reused. Others are dropped.
    await readAtMost(answer, DISCARD_BYTES, DISCARD_MS).catch(() => null)
    return { status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] ?? null }
  })

const DISCARD_BYTES = 65_536
const DISCARD_MS = 500

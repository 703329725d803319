import { Readable } from 'node:stream'
import type { NoAnswer } from '../core/no-answer.ts'
import { traceHop } from '../trace.ts'
import { callByOfetch, mayHaveBody } from './ofetch.ts'
import {
  serverError,
  NoAnswerError,
  spanAttributes,
  timedOut,
  tooLarge,
  toNoAnswer,
} from './read-no-answer.ts'
import { request } from './request.ts'
import type { TracedRequest } from './send-request.ts'
import { startBudget } from './time-budget.ts'

/** An answer in pieces. Reading it throws `NoAnswerError` if it does not arrive completely. */
export type Pieces = AsyncIterable<Uint8Array>

interface Download extends TracedRequest {
  readonly maxBytes: number
  /** The longest wait for the sender, before the answer begins and between two pieces. */
  readonly idleMs: number
}

/**
 * Sends one request to WeChat and returns the answer in pieces, so that a large one does not fill
 * the memory. The answer can be read once. Its connection is released when the reader stops, at the
 * end or before it. A status of 500 or more counts as no answer.
 *
 * The deadline covers the whole download. The time that the reader takes between two pieces counts
 * for the deadline, but not for `idleMs`.
 */
export const download = (outgoing: Download): Promise<Pieces | NoAnswer> =>
  traceHop(outgoing.spanName, async (note) => {
    const pieces = await begin(outgoing).catch(toNoAnswer)
    if ('why' in pieces) note(spanAttributes(pieces))
    return pieces
  })

async function begin({ deadlineMs, idleMs, maxBytes, ...outgoing }: Download): Promise<Pieces> {
  const left = startBudget(deadlineMs)
  const longestWait = () => Math.min(idleMs, left())
  const { body } = await callByOfetch(outgoing, async (prepared) => {
    const answer = await request(prepared, longestWait())
    const status = answer.statusCode ?? 0
    if (status < 500 && mayHaveBody(status)) return new Response(Readable.toWeb(answer), { status })
    answer.destroy()
    if (status >= 500) throw serverError(status)
    return new Response(null, { status })
  })
  return readPieces(body, maxBytes, longestWait)
}

async function* readPieces(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  longestWait: () => number,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return
  const reader = body.getReader()
  let size = 0
  try {
    for (;;) {
      const piece = await within(longestWait(), () => reader.read())
      if (piece.done) return
      size += piece.value.byteLength
      if (size > maxBytes) throw tooLarge()
      yield piece.value
    }
  } catch (cause) {
    throw new NoAnswerError(toNoAnswer(cause))
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  if (ms <= 0) throw timedOut()
  const { promise: expired, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(timedOut()), ms)
  return Promise.race([work(), expired]).finally(() => clearTimeout(timer))
}

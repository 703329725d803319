/**
 * The one way out over HTTP. The deadline covers the body too (a stalled body is no answer), the size is bounded, nothing
 * is retried and no redirect followed; what the library would say in an error stays here, for it holds URLs with secrets.
 */
import { request as requestInTheClear, type IncomingMessage } from 'node:http'
import { Agent, request as requestOverTls } from 'node:https'
import { ofetch } from 'ofetch'
import { readNoAnswer, type NoAnswer } from './core/no-answer.ts'
import { timeLeft } from './request-context.ts'
import { traceHop } from './trace.ts'

export interface Outgoing {
  /** Whom it goes to, for traces: never an address, for that may hold a secret. */
  readonly hop: string
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly deadlineMs: number
  readonly maxBytes: number
  readonly certificate?: Certificate | undefined
}

/** A client certificate for the connection. */
export interface Certificate {
  readonly agent: Agent
}

/** Each connection is for one request: refunds are rare, and a kept one may be dead when the instance thaws. */
export const loadCertificate = (cert: string, key: string): Certificate => ({
  agent: new Agent({ cert, key, keepAlive: false }),
})

export interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
}

/**
 * Sends one request, within its own deadline and the time left of the calling request. Without an answer the outcome is
 * unknown: the request may have arrived. A gateway's 5xx counts as no answer.
 */
export const send = (outgoing: Outgoing): Promise<Answer | NoAnswer> =>
  traceHop(outgoing.hop, async (note) => {
    const answer = await attempt(outgoing)
    note('why' in answer ? noteOf(answer) : { 'http.response.status_code': answer.status })
    return answer
  })

const noteOf = ({ why, code }: NoAnswer) => ({
  'error.type': why,
  ...(why === 'server' ? { 'http.response.status_code': Number(code) } : {}),
})

/** Checks the deadline first, because its expiry can look like a broken connection. An unknown error counts as `network`. */
const toNoAnswer = (cause: unknown, deadline: AbortSignal): NoAnswer =>
  deadline.aborted ? { why: 'timeout' } : (readNoAnswer(cause) ?? { why: 'network' })
const gatewayError = (status: number): NoAnswer => ({ why: 'server', code: String(status) })

const deadlineOf = ({ deadlineMs }: Pick<Outgoing, 'deadlineMs'>): AbortSignal =>
  AbortSignal.timeout(Math.ceil(Math.min(deadlineMs, timeLeft())))

async function attempt(outgoing: Outgoing): Promise<Answer | NoAnswer> {
  const signal = deadlineOf(outgoing)
  try {
    const response = await (outgoing.certificate === undefined
      ? fetchOnce(outgoing, signal)
      : showCertificate(outgoing, signal))
    const bytes = await readAtMost(response.body, outgoing.maxBytes)
    if (response.status >= 500) return gatewayError(response.status)
    return bytes === null ? { why: 'too_large' } : { status: response.status, bytes }
  } catch (cause) {
    return toNoAnswer(cause, signal)
  }
}

/** Status and header of an answer whose body is not used. */
export interface AnswerHead {
  readonly status: number
  readonly retryAfter: string | null
}

type HeadRequest = Omit<Outgoing, 'maxBytes' | 'certificate'>

/** Sends one request whose status is all that matters. The answer counts once its headers have arrived, whatever the body does. */
export const sendForStatus = (outgoing: HeadRequest): Promise<AnswerHead | NoAnswer> =>
  traceHop(outgoing.hop, async (note) => {
    const head = await attemptForStatus(outgoing)
    note('why' in head ? noteOf(head) : { 'http.response.status_code': head.status })
    return head
  })

async function attemptForStatus(outgoing: HeadRequest): Promise<AnswerHead | NoAnswer> {
  const rest = new AbortController()
  const deadline = deadlineOf(outgoing)
  try {
    const { status, headers, body } = await fetchOnce(
      outgoing,
      AbortSignal.any([deadline, rest.signal]),
    )
    await discard(body, rest)
    return { status, retryAfter: headers.get('retry-after') }
  } catch (cause) {
    return toNoAnswer(cause, deadline)
  }
}

const DISCARD_BYTES = 65_536
const DISCARD_MS = 500

/** Reads a short body, so that the connection can be reused. A longer or slower body is dropped with its connection. */
async function discard(
  body: AsyncIterable<Uint8Array> | null,
  rest: AbortController,
): Promise<void> {
  const timer = setTimeout(() => rest.abort(), DISCARD_MS)
  await readAtMost(body, DISCARD_BYTES).catch(() => null)
  clearTimeout(timer)
}

const USER_AGENT = 'wechat-pay-functions'

const fetchOnce = ({ method, url, headers = {}, body }: HeadRequest, signal: AbortSignal) =>
  ofetch.raw(url, {
    method,
    headers: { 'user-agent': USER_AGENT, ...headers },
    ...(body === undefined ? {} : { body }),
    signal,
    redirect: 'manual',
    responseType: 'stream',
    ignoreResponseError: true,
    retry: 0,
  })

/** Fetch takes no client certificate. */
async function showCertificate(outgoing: Outgoing, signal: AbortSignal) {
  const answer = await begin(outgoing, signal)
  const body: AsyncIterable<Uint8Array> = answer
  return { status: answer.statusCode ?? 0, body }
}

/** Sends one request by Node's own client, and resolves where its answer begins. */
function begin(
  { method, url, headers = {}, body = '', certificate }: Outgoing,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const own = { 'user-agent': USER_AGENT, 'content-length': Buffer.byteLength(body) }
  const options = { method, headers: { ...own, ...headers }, signal }
  const request = url.startsWith('https:')
    ? requestOverTls(url, { ...options, ...certificate }, resolve)
    : requestInTheClear(url, options, resolve)
  // Listened to all along: what goes wrong after the answer has begun is told to the reader by the answer itself.
  request.on('error', reject).end(body)
  return promise
}

async function readAtMost(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** An answer piece by piece. Throws `Interrupted` when it does not come whole. */
export type Pieces = AsyncIterable<Uint8Array>

/** The answer did not come to its end: broken off, too slow or too large. What came before is half of something. */
export class Interrupted extends Error {
  readonly silence: NoAnswer

  constructor(silence: NoAnswer) {
    super('an answer broke off')
    this.name = 'Interrupted'
    this.silence = silence
  }
}

type Download = Omit<Outgoing, 'certificate'> & { readonly idleMs: number }

/**
 * Sends one request and hands the answer over piece by piece, so that its size costs no memory. To be read once, to the end
 * or not: either way the connection is let go. The reader is thrown `Interrupted` when the answer does not come whole.
 *
 * The deadline covers the whole download; besides, no single wait for the sender is longer than `idleMs`. The time the
 * reader takes between two pieces is not the sender's and counts for the deadline only. A gateway's 5xx is no answer.
 *
 * Not by fetch: its client (undici 6) takes a connection that the server closes after its last byte for broken, when the
 * reader is not that far yet.
 */
export const download = (outgoing: Download): Promise<Pieces | NoAnswer> =>
  traceHop(outgoing.hop, async (note) => {
    const pieces = await beginDownload(outgoing)
    if ('why' in pieces) note(noteOf(pieces))
    return pieces
  })

async function beginDownload(outgoing: Download): Promise<Pieces | NoAnswer> {
  const idle = new AbortController()
  const inTime = async <T>(wait: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => idle.abort(), outgoing.idleMs)
    return wait.finally(() => clearTimeout(timer))
  }
  const deadline = AbortSignal.any([AbortSignal.timeout(outgoing.deadlineMs), idle.signal])
  try {
    const answer = await inTime(begin(outgoing, deadline))
    const status = answer.statusCode ?? 500
    if (status < 500) return readPieces(answer, outgoing.maxBytes, inTime, deadline)
    answer.destroy()
    return gatewayError(status)
  } catch (cause) {
    return toNoAnswer(cause, deadline)
  }
}

async function* readPieces(
  answer: IncomingMessage,
  maxBytes: number,
  inTime: <T>(wait: Promise<T>) => Promise<T>,
  deadline: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const pieces: AsyncIterator<Uint8Array> = answer[Symbol.asyncIterator]()
  const interrupted = (cause: unknown) =>
    Promise.reject(new Interrupted(toNoAnswer(cause, deadline)))
  let size = 0
  try {
    for (;;) {
      const piece = await inTime(pieces.next()).catch(interrupted)
      if (piece.done === true) return
      size += piece.value.byteLength
      if (size > maxBytes) throw new Interrupted({ why: 'too_large' })
      yield piece.value
    }
  } finally {
    answer.destroy()
  }
}

/** What is left of a time budget, in milliseconds, on a clock that nobody sets. */
export function startBudget(ms: number): () => number {
  const end = performance.now() + Math.min(ms, timeLeft())
  return () => Math.max(0, Math.floor(end - performance.now()))
}

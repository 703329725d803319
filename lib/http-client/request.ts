/**
 * The HTTP client of the stores, WeChat and the webhook. Only the libraries of QStash and of
 * OpenTelemetry open connections of their own.
 *
 * It follows no redirect, and repeats a request only if its kept connection turns out to be closed
 * and a second copy is harmless. Connections, TLS, deadlines and size limits are decided here.
 */
import { request as requestOverHttp, type IncomingMessage } from 'node:http'
import { Agent, request as requestOverTls } from 'node:https'
import type { Socket } from 'node:net'
import { noteAnswer } from './idle-sockets.ts'
import { agentFor, closeIdle } from './kept-connections.ts'
import { timedOut, tooLarge } from './read-no-answer.ts'
import { wasReady } from './ready-connections.ts'

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly certificate?: Certificate | undefined
  /**
   * Whether a second copy of the request is harmless and gets an equivalent answer. If not, the
   * request is sent once, and without an answer its outcome is unknown.
   */
  readonly isRepeatable: boolean
  /** Called before the request is sent a second time. */
  readonly onRepeat?: (() => void) | undefined
}

/** A client certificate for the connection. */
export interface Certificate {
  readonly agent: Agent
}

/** Each connection serves one request: refunds are rare, and an idle connection may have died. */
export const loadCertificate = (cert: string, key: string): Certificate => ({
  agent: new Agent({ cert, key, keepAlive: false }),
})

/** Asks for answers without compression, so that size limits count the bytes that arrive. */
const OWN_HEADERS = { 'user-agent': 'wechat-pay-functions', 'accept-encoding': 'identity' }

/**
 * Resolves when the answer begins. Its reader must read it to the end or destroy it, within a
 * deadline of its own.
 *
 * @throws Error with Node's `code`, or `TimeoutError`
 */
export async function request(outgoing: Outgoing, deadlineMs: number): Promise<IncomingMessage> {
  const endsAt = performance.now() + deadlineMs
  try {
    return await attempt(outgoing, deadlineMs)
  } catch (cause) {
    if (!(cause instanceof StaleConnection)) throw cause
    const leftMs = endsAt - performance.now()
    if (!outgoing.isRepeatable || leftMs <= 0) throw cause.cause
    closeIdle(new URL(outgoing.url))
    outgoing.onRepeat?.()
    return attempt(outgoing, leftMs).catch(withoutStale)
  }
}

/** A kept connection ended before the first byte of an answer: it was probably closed before. */
class StaleConnection extends Error {
  constructor(cause: unknown) {
    super('stale connection', { cause })
  }
}

const withoutStale = (cause: unknown): never => {
  throw cause instanceof StaleConnection ? cause.cause : cause
}

/** @throws StaleConnection, Error with Node's `code`, or `TimeoutError` */
function attempt(
  { method, url, headers, body, certificate, isRepeatable }: Outgoing,
  deadlineMs: number,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const target = new URL(url)
  const isTls = target.protocol === 'https:'
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const options = {
    method,
    headers: { ...OWN_HEADERS, ...length, ...headers },
    agent: (isTls ? certificate?.agent : undefined) ?? agentFor(target, isRepeatable),
  }
  const answered = (answer: IncomingMessage) => {
    noteAnswer(target.hostname, answer)
    resolve(answer)
  }
  const sent = isTls
    ? requestOverTls(url, options, answered)
    : requestOverHttp(url, options, answered)
  let isStale = () => false
  sent.on('socket', (socket) => {
    if (sent.reusedSocket || wasReady(socket)) isStale = watchForAnswer(socket)
  })
  const fail = (cause: Error) =>
    reject(isLost(cause) && isStale() ? new StaleConnection(cause) : cause)
  // Errors after the answer has begun come here too. The answer reports them to its reader. An
  // answer with status 101 only closes the connection, without an error.
  sent
    .on('error', fail)
    .on('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
    .end(body)
  const timer = setTimeout(() => sent.destroy(timedOut()), Math.ceil(deadlineMs))
  return promise.finally(() => clearTimeout(timer))
}

/** Returns a function that tells whether no byte has arrived on the connection since now. */
function watchForAnswer(socket: Socket): () => boolean {
  const before = socket.bytesRead
  return () => socket.bytesRead === before
}

/** The codes of a connection that the other side has closed. */
const LOST = ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT']
const isLost = (cause: Error & { code?: unknown }): boolean =>
  LOST.some((code) => code === cause.code)

/**
 * Returns the body, or null if it is longer than `maxBytes`; the connection is then closed.
 *
 * @throws Error with Node's `code`, or `TimeoutError`
 */
export function readAtMost(
  answer: IncomingMessage,
  maxBytes: number,
  deadlineMs: number,
): Promise<Buffer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>()
  const chunks: Buffer[] = []
  let size = 0
  // Events, because iterating over a stream takes several times as long.
  answer
    .on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size <= maxBytes) return
      resolve(null)
      answer.destroy(tooLarge())
    })
    .on('end', () => resolve(Buffer.concat(chunks)))
    .on('error', reject)
  const timer = setTimeout(() => answer.destroy(timedOut()), Math.ceil(deadlineMs))
  return promise.finally(() => clearTimeout(timer))
}

/**
 * Sends one request and returns its whole answer. The deadline covers the answer to its last byte.
 * `bytes` is null if there are more than `maxBytes`.
 *
 * @throws Error with Node's `code`, or `TimeoutError`
 */
export async function exchange(
  outgoing: Outgoing,
  { maxBytes, deadlineMs }: { readonly maxBytes: number; readonly deadlineMs: number },
): Promise<ReceivedAnswer> {
  const endsAt = performance.now() + deadlineMs
  const answer = await request(outgoing, deadlineMs)
  const leftMs = Math.max(0, endsAt - performance.now())
  const bytes = await readAtMost(answer, maxBytes, leftMs)
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes }
}

interface ReceivedAnswer extends Pick<IncomingMessage, 'headers'> {
  readonly status: number
  readonly bytes: Buffer | null
}

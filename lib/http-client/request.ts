/**
 * The HTTP client of the stores, WeChat and the webhook. Only the libraries of QStash and of
 * OpenTelemetry open connections of their own.
 *
 * It sends a request once, follows no redirect and retries nothing. Connections, TLS, deadlines and
 * size limits are decided here. The connections are kept by Node's default agents, for five seconds
 * or as long as the server says.
 */
import { request as requestOverHttp, type IncomingMessage } from 'node:http'
import { Agent, request as requestOverTls } from 'node:https'
import { timedOut, tooLarge } from './read-no-answer.ts'

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly certificate?: Certificate | undefined
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
export function request(
  { method, url, headers, body, certificate }: Outgoing,
  deadlineMs: number,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const options = { method, headers: { ...OWN_HEADERS, ...length, ...headers } }
  const sent = url.startsWith('https:')
    ? requestOverTls(url, { ...options, ...certificate }, resolve)
    : requestOverHttp(url, options, resolve)
  // Errors after the answer has begun come here too. The answer reports them to its reader. An
  // answer with status 101 only closes the connection, without an error.
  sent
    .on('error', reject)
    .on('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
    .end(body)
  const timer = setTimeout(() => sent.destroy(timedOut()), Math.ceil(deadlineMs))
  return promise.finally(() => clearTimeout(timer))
}

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
  const bytes = await readAtMost(answer, maxBytes, endsAt - performance.now())
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes }
}

interface ReceivedAnswer extends Pick<IncomingMessage, 'headers'> {
  readonly status: number
  readonly bytes: Buffer | null
}

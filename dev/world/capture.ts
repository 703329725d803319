/**
 * Captures the messages on the port of the world as they pass, without a change: what the parser
 * pushes into a request, and what is written as its answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface CapturedRequest {
  readonly method: string
  /** The path and the query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface CapturedAnswer {
  /** Null if no answer began. */
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** False if the connection ended before the end of the answer. */
  readonly isComplete: boolean
}

/** The rest of a longer body is not captured. */
const LONGEST = 4 * 1024 * 1024

/**
 * @param begin is called when the request is complete, or its answer begins before that. Returns a
 *   function that is called once with the answer
 */
export function capture(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  begin: (request: CapturedRequest) => (answer: CapturedAnswer) => void,
): void {
  const received = createBuffer()
  const sent = createBuffer()
  let headers: Record<string, string> = {}
  let end: ((answer: CapturedAnswer) => void) | undefined
  const started = () =>
    (end ??= begin({
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      headers: toHeaders(incoming.headers),
      body: received.read(),
    }))
  const finish = (isComplete: boolean) => {
    const status = outgoing.headersSent ? outgoing.statusCode : null
    started()({ status, headers, body: sent.read(), isComplete })
    end = () => undefined
  }

  before(incoming, 'push', ([chunk]) => {
    if (chunk === null) started()
    else received.add(chunk)
  })
  before(outgoing, 'writeHead', ([, ...rest]) => {
    headers = { ...toHeaders(outgoing.getHeaders()), ...toHeaders(rest.at(-1)) }
  })
  before(outgoing, 'write', ([chunk]) => sent.add(chunk))
  before(outgoing, 'end', ([chunk]) => sent.add(chunk))
  outgoing.once('finish', () => finish(true)).once('close', () => finish(false))
}

/** Calls `see` with the arguments before each call of a method. */
function before(target: object, name: string, see: (args: readonly unknown[]) => void): void {
  const method: unknown = Reflect.get(target, name)
  if (typeof method !== 'function') throw new Error(`there is no ${name}`)
  Object.defineProperty(target, name, {
    configurable: true,
    writable: true,
    value: (...args: readonly unknown[]): unknown => {
      see(args)
      return Reflect.apply(method, target, args)
    },
  })
}

function createBuffer() {
  const chunks: Buffer[] = []
  let size = 0
  return {
    add: (chunk: unknown) => {
      const bytes =
        typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk) : null
      if (bytes === null || size > LONGEST) return
      chunks.push(bytes)
      size += bytes.byteLength
    },
    read: () => Buffer.concat(chunks),
  }
}

/** The forms in which Node takes and gives headers. */
function toHeaders(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {}
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  )
}

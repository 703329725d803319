/** One call over HTTP: reads the request, answers it, and applies the faults to the connection. */
import { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, Hono } from 'hono'
import type { Fault, Faults, FaultTarget } from './faults.ts'
import type { Simulation } from './simulation.ts'
import { toBytes, withoutEnd } from './spoiled-bytes.ts'
import { processEndedRefunds } from './start-refund.ts'
import { processOverdueComplaints } from './v3/complaints.ts'
import type { MessageLog } from './message-log.ts'

export interface Incoming {
  readonly method: string
  readonly url: URL
  /** The request target as it was sent: path and query. */
  readonly target: string
  readonly headers: Headers
  /** The named parts of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * One path of WeChat. `answer` checks the request, changes the state and applies the faults of the
 * content. It is synchronous.
 */
export interface Endpoint {
  readonly path: string
  readonly faultTarget: Exclude<FaultTarget, 'notify' | 'push'>
  readonly answer: (simulation: Simulation, incoming: Incoming, fault: Fault | null) => Answer
}

export interface Exchange {
  readonly simulation: Simulation
  readonly faults: Faults
  readonly messageLog: MessageLog
  /** Ends answers that would never end. */
  readonly stopping: () => AbortSignal
}

export const GATEWAY_PAGE =
  '<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>'

/**
 * nginx's page for a missing client certificate. For a certificate that it refuses the title is
 * "400 The SSL certificate error".
 */
const NO_CERTIFICATE_PAGE =
  '<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body bgcolor="white">\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>No required SSL certificate was sent</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n'

/** Serves the endpoint for every method, because the endpoint itself refuses the wrong ones. */
export function serveEndpoint(
  app: Hono,
  endpoint: Endpoint,
  { simulation, faults, messageLog, stopping }: Exchange,
): void {
  app.all(endpoint.path, async (context) => {
    const incoming = {
      method: context.req.method,
      url: new URL(context.req.url),
      target: targetOf(context),
      headers: context.req.raw.headers,
      params: context.req.param(),
      body: new Uint8Array(await context.req.arrayBuffer()),
    }
    const fault = faults.take(endpoint.faultTarget)
    const entry = {
      at: simulation.now(),
      direction: 'in',
      method: incoming.method,
      // A configuration may hold a real secret.
      url: `${incoming.url.pathname}${incoming.url.search}`.replace(/(?<=[?&]secret=)[^&]+/, '***'),
      request: Buffer.from(incoming.body)
        .toString('utf8')
        .replace(/(?<="secret"\s*:\s*")[^"]+/, '***'),
    } as const
    const answer = fault?.do === 'drop' ? null : answerOf(endpoint, simulation, incoming, fault)
    if (fault?.do === 'delay')
      await sleep(fault.ms, undefined, { signal: stopping() }).catch(() => undefined)
    if (answer === null || fault?.do === 'lose-answer') {
      messageLog.add({ ...entry, response: null, status: null })
      return destroyConnection(context)
    }
    const bytes = toBytes(answer.body, fault)
    const encoding = typeof answer.body === 'string' ? 'utf8' : 'base64'
    messageLog.add({
      ...entry,
      response: Buffer.from(bytes).toString(encoding),
      status: answer.status,
    })
    const promised = fault?.do === 'stall' ? Buffer.byteLength(answer.body) : bytes.byteLength
    if (answer.status === 204)
      return new Response(null, { status: 204, headers: answer.headers ?? {} })
    const headers = {
      'content-type': answer.contentType,
      'content-length': String(promised),
      ...answer.headers,
    }
    if (fault?.do !== 'stall') return new Response(bytes, { status: answer.status, headers })
    stopping().addEventListener('abort', () => destroyConnection(context), { once: true })
    return new Response(withoutEnd(bytes), { status: answer.status, headers })
  })
}

function answerOf(
  endpoint: Endpoint,
  simulation: Simulation,
  incoming: Incoming,
  fault: Fault | null,
): Answer {
  if (fault?.do === 'html') return { status: 200, contentType: 'text/html', body: GATEWAY_PAGE }
  if (fault?.do === 'no-certificate')
    return { status: 400, contentType: 'text/html', body: NO_CERTIFICATE_PAGE }
  if (fault?.do === 'http-500') return { status: 500, contentType: 'text/html', body: GATEWAY_PAGE }
  processOverdueComplaints(simulation)
  processEndedRefunds(simulation)
  const answer = endpoint.answer(simulation, incoming, fault)
  simulation.save()
  return answer
}

/**
 * The Node adapter passes its own objects in `env`. Without Node there is no connection to destroy.
 */
function destroyConnection(context: Context): Response {
  const message = nodeMessageOf(context)
  if (message === null) return new Response('this fault needs a Node server', { status: 500 })
  message.socket.destroy()
  return new Response(null, { headers: { 'x-hono-already-sent': 'true' } })
}

function nodeMessageOf(context: Context): IncomingMessage | null {
  const env: unknown = context.env
  return typeof env === 'object' &&
    env !== null &&
    'incoming' in env &&
    env.incoming instanceof IncomingMessage
    ? env.incoming
    : null
}

/** A URL normalises the target, and the client signs it as it sends it. */
function targetOf(context: Context): string {
  const url = new URL(context.req.url)
  return nodeMessageOf(context)?.url ?? `${url.pathname}${url.search}`
}

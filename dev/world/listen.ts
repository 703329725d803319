/** The port of the world. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { baseUrlFault } from '../../lib/config/http-url.ts'
import { PlainError } from '../program/plain-error.ts'

type App = Hono<{ Bindings: HttpBindings }>

export interface Port {
  readonly url: string
  /**
   * Sets the app that answers from now on. Before the first call, every answer says that the world
   * is starting.
   */
  serve(app: App): void
  /** Sets a function that sees each request, and its answer, before the app does. */
  observe(see: (incoming: IncomingMessage, outgoing: ServerResponse) => void): void
  readonly stop: () => Promise<void>
}

/** The time for open requests to end when the port closes. */
const DRAIN_MS = 2_000

/** As nginx does. Node's own 5 seconds are shorter than those of the services. */
const KEEP_ALIVE_MS = 75_000

export async function listen(host: string, port: number): Promise<Port> {
  let app: App = new Hono<{ Bindings: HttpBindings }>().all('*', (context) =>
    context.text('starting', 503, { 'retry-after': '1' }),
  )
  // The global Request and Response are not replaced, because functions use them on Vercel.
  const listener = getRequestListener((request, bindings) => app.fetch(request, { ...bindings }), {
    overrideGlobalObjects: false,
  })
  let observe: Parameters<Port['observe']>[0] = () => undefined
  const server = createServer((incoming, outgoing) => {
    observe(incoming, outgoing)
    void listener(incoming, outgoing)
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  if (baseUrlFault(`http://127.0.0.1:${port}`) !== null)
    throw new PlainError(`Node and browsers refuse to call port ${port}. Set PORT to another one.`)
  try {
    await once(server.listen(port, host), 'listening')
  } catch (error) {
    throw explainFailure(error, port)
  }
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('the server listens on no port')
  const stop = async () => {
    const closed = once(server, 'close')
    server.close()
    await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })])
    server.closeAllConnections()
    await closed
  }
  return {
    url: `http://${toUrlHost(host)}:${address.port}`,
    serve: (next) => void (app = next),
    observe: (see) => void (observe = see),
    stop,
  }
}

/** An address for "all interfaces" cannot be called. The loopback address can. */
function toUrlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

function explainFailure(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return new PlainError(
      `Port ${port} is in use. Set PORT to another one, or stop what listens there.`,
    )
  if (code === 'EACCES')
    return new PlainError(
      `Port ${port} may not be used by this account. Set PORT to one above 1023.`,
    )
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new PlainError('HOST is not an address of this machine.')
  return error
}

/** The simulator behind TLS with client certificates, as WeChat requires for refunds. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import type { Simulator } from './simulator.ts'

export interface TlsOptions {
  /** The server's own, in PEM. */
  readonly key: string
  readonly cert: string
  /** The authority that signed the client's certificate, in PEM. */
  readonly ca: string
  /**
   * As at WeChat: only refunds need a certificate, and the gateway answers a refund without one.
   * Default: every call needs one.
   */
  readonly forRefundsOnly?: boolean
}

const GATEWAY_REFUSES =
  '<html><head><title>400 No required SSL certificate was sent</title></head><body>nginx</body></html>'

export interface TlsPort {
  /** `https://127.0.0.1:…`, the base of the simulator's paths. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Serves the simulator on a free loopback port. Clients without a certificate of this authority
 * fail in the handshake, unless only refunds need one.
 */
export async function listenTls(
  simulator: Pick<Simulator, 'app'>,
  { key, cert, ca, forRefundsOnly = false }: TlsOptions,
): Promise<TlsPort> {
  // The global Request and Response are not replaced, as in the local world.
  const listener = getRequestListener(
    (request, bindings) => simulator.app.fetch(request, { ...bindings }),
    {
      overrideGlobalObjects: false,
    },
  )
  const server = createServer(
    { key, cert, ca, requestCert: true, rejectUnauthorized: !forRefundsOnly },
    (incoming, outgoing) => {
      const isKnown = incoming.socket instanceof TLSSocket && incoming.socket.authorized
      if (isKnown || incoming.url?.startsWith('/secapi/') !== true)
        void listener(incoming, outgoing)
      else outgoing.writeHead(400, { 'content-type': 'text/html' }).end(GATEWAY_REFUSES)
    },
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('the server listens on no port')
  return {
    url: `https://127.0.0.1:${address.port}`,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

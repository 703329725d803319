/** The simulator behind TLS that demands a client certificate, as WeChat demands it for refunds. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import type { Simulator } from './simulator.ts'

export interface TlsOptions {
  /** This server's own, in PEM. */
  readonly key: string
  readonly cert: string
  /** Who has to have signed the client's certificate, in PEM. */
  readonly ca: string
  /** As WeChat does: calls other than refunds need none, and a refund without one is answered by the gateway. Default: every call. */
  readonly forRefundsOnly?: boolean
}

const GATEWAY_REFUSES =
  '<html><head><title>400 No required SSL certificate was sent</title></head><body>nginx</body></html>'

export interface TlsPort {
  /** `https://127.0.0.1:…`, where the simulator's paths begin. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Serves the simulator on a free loopback port, to clients with a certificate by that authority only: the others fail in
 * the handshake, before any path is named, so this is no address for calls that carry no certificate, unless those are
 * let in.
 */
export async function listenTls(
  simulator: Pick<Simulator, 'app'>,
  { key, cert, ca, forRefundsOnly = false }: TlsOptions,
): Promise<TlsPort> {
  // The platform's own Request and Response stay in place, as in the local world.
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

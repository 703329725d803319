/** A server behind real TLS that can end its connections at any moment. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

export const authority = pem('ca')

/** Trusts the authority of the peers. Returns a function that ends this. */
export function trustPeers(): () => void {
  const known = getCACertificates()
  setDefaultCACertificates([...known, authority])
  return () => setDefaultCACertificates(known)
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface Peer {
  readonly url: string
  /** The connections so far. */
  connections(): number
  /** How many of them have finished their TLS handshake. */
  secured(): number
  /** How many are open now. */
  open(): number
  /** How many of them resumed a TLS session. */
  resumed(): number
  /** The requests that have begun to arrive so far. */
  requests(): number
  /** The open connections. `end` closes them properly, `reset` does not. */
  endAll(how: 'end' | 'reset'): void
  /** Ends the connection of a request. */
  endOf(request: IncomingMessage, how: 'end' | 'reset'): void
  stop(): Promise<void>
}

/** @param answer answers each request, also before its body has arrived */
export async function openPeer(answer: Answer, options: ServerOptions = {}): Promise<Peer> {
  const raw = new Map<number, Socket>()
  let [connections, secured, resumed, requests] = [0, 0, 0, 0]
  const server = createServer(
    { key: pem('server.key'), cert: pem('server'), keepAliveTimeout: 0, ...options },
    (request, response) => {
      requests += 1
      answer(request, response)
    },
  )
  server.on('connection', (socket: Socket) => {
    connections += 1
    const port = socket.remotePort ?? 0
    raw.set(port, socket)
    socket.on('close', () => raw.delete(port)).on('error', () => undefined)
  })
  server.on('secureConnection', (socket) => {
    secured += 1
    if (socket.isSessionReused()) resumed += 1
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const end = (socket: Socket | undefined, how: 'end' | 'reset') =>
    how === 'end' ? socket?.end() : socket?.resetAndDestroy()
  return {
    url: `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    connections: () => connections,
    secured: () => secured,
    open: () => raw.size,
    resumed: () => resumed,
    requests: () => requests,
    endAll: (how) => [...raw.values()].forEach((socket) => end(socket, how)),
    endOf: ({ socket }, how) => end(raw.get(socket.remotePort ?? 0), how),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

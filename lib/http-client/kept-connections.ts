/** The connections that are kept for later requests, and those that are opened before one. */
import { Agent as PlainAgent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { idleLimitMs } from './idle-limit.ts'
import { isStale, limitOf, markIdle } from './idle-sockets.ts'
import { addReady, dropReady, isReady, planReady, takeReady } from './ready-connections.ts'

/** @param longestMs an upper limit of the idle time */
const keepFor =
  (longestMs: number) =>
  (socket: Duplex): boolean => {
    const limitMs = Math.min(longestMs, limitOf(socket))
    if (limitMs <= 0 || !(socket instanceof Socket)) return false
    markIdle(socket, limitMs)
    return true
  }

interface Agents {
  readonly plain: PlainAgent
  readonly tls: TlsAgent
}

const createAgents = (longestMs: number): Agents => {
  const options = { keepAlive: true, autoSelectFamily: true }
  const keepSocketAlive = keepFor(longestMs)
  return {
    plain: Object.assign(new PlainAgent(options), { keepSocketAlive }),
    tls: Object.assign(new TlsAgent(options), { keepSocketAlive }),
  }
}

/** For requests that are sent again if their connection is stale. */
const forRepeatable = createAgents(Infinity)
for (const agent of [forRepeatable.plain, forRepeatable.tls])
  agent.createConnection = (...how: Connecting) =>
    takeReady(nameOf(how[0])) ?? connect(agent, ...how)

type Connecting = Parameters<PlainAgent['createConnection']>

const nameOf = ({ host, port }: { host?: unknown; port?: unknown }): string =>
  `${String(host)}:${String(port)}`

const connect = (
  agent: PlainAgent,
  ...how: Connecting
): ReturnType<PlainAgent['createConnection']> =>
  (agent instanceof TlsAgent ? TlsAgent : PlainAgent).prototype.createConnection.apply(agent, how)

/**
 * For all others: a connection that was used a moment ago is hardly ever stale. Node's server
 * closes after 5 seconds, the shortest default that we know of.
 */
const forOthers = createAgents(4_000)

/** The agent for one request. Its next connection is either new or not stale. */
export function agentFor(url: URL, isRepeatable: boolean): PlainAgent {
  const agent = agentOf(isRepeatable ? forRepeatable : forOthers, url)
  // The newest connection is used first. If it is stale, all are.
  for (const sockets of idleTo(agent, url)) {
    const newest = sockets.at(-1)
    if (newest !== undefined && isStale(newest)) destroyAll(sockets)
  }
  return agent
}

/**
 * Opens a connection for the next request that is repeatable, unless one is idle or ready. It
 * shares the TLS sessions of the requests.
 */
export function openConnection(address: string): void {
  const url = new URL(address)
  const agent = agentFor(url, true)
  const { host, port, peer } = peerOf(url)
  if (
    isReady(peer) ||
    idleTo(agent, url)
      .flat()
      .some((socket) => !socket.destroyed)
  )
    return
  planReady(peer, () => {
    const target = { host, port, servername: isIP(host) === 0 ? host : '' }
    const options = { ...target, autoSelectFamily: true, _agentKey: agent.getName(target) }
    const socket = connect(agent, options)
    if (socket instanceof Socket) addReady(peer, socket, idleLimitMs(host, undefined))
  })
}

/** Where one connection was stale, the other idle ones are not trusted either. */
export function closeIdle(url: URL): void {
  idleTo(agentOf(forRepeatable, url), url).forEach(destroyAll)
  dropReady(peerOf(url).peer)
}

const agentOf = ({ plain, tls }: Agents, { protocol }: URL): PlainAgent =>
  protocol === 'https:' ? tls : plain

const idleTo = (agent: PlainAgent, url: URL): (readonly Socket[])[] =>
  Object.entries(agent.freeSockets).flatMap(([name, sockets = []]) =>
    name.startsWith(`${peerOf(url).peer}:`) ? [sockets] : [],
  )

/** `peer` is how agents name the other side. */
function peerOf({ protocol, hostname, port }: URL) {
  const host = hostname.replace(/^\[|\]$/g, '')
  const number = Number(port || (protocol === 'https:' ? 443 : 80))
  return { host, port: number, peer: `${host}:${number}` }
}

function destroyAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy()
}

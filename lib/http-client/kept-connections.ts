/**
 * The connections that are kept for later requests. An idle connection does not hold the process.
 *
 * A frozen instance runs no timers, and the monotonic clock of a virtual machine may stop with it.
 * So the idle time is also checked before a connection is used again, on both clocks.
 */
import { Agent as PlainAgent, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { Socket } from 'node:net'
import { idleLimitMs } from './idle-limit.ts'

/** The monotonic and the other clock, in milliseconds. */
export const clocks = { monotonic: () => performance.now(), wall: () => Date.now() }

interface Idle {
  readonly sinceMonotonic: number
  readonly sinceWall: number
  readonly limitMs: number
}

const idleSockets = new WeakMap<Duplex, Idle>()
/** The limits of connections that have answered. */
const limits = new WeakMap<Duplex, number>()

/** Must be called for each answer, so that its connection is kept as long as its sender allows. */
export function noteAnswer(hostname: string, { socket, headers }: IncomingMessage): void {
  limits.set(socket, idleLimitMs(hostname, headers['keep-alive']?.toString()))
}

function markIdle(socket: Socket, limitMs: number): void {
  const [sinceMonotonic, sinceWall] = [clocks.monotonic(), clocks.wall()]
  idleSockets.set(socket, { sinceMonotonic, sinceWall, limitMs })
  socket.setTimeout(limitMs)
  socket.setKeepAlive(true, PROBE_AFTER_MS)
  socket.unref()
}

/** TCP then asks the other side whether it still has the connection. */
const PROBE_AFTER_MS = 30_000

function isStale(socket: Duplex): boolean {
  const idle = idleSockets.get(socket)
  if (idle === undefined) return true
  const monotonic = clocks.monotonic() - idle.sinceMonotonic
  const wall = clocks.wall() - idle.sinceWall
  return Math.max(monotonic, wall) >= idle.limitMs
}

/** @param longestMs an upper limit of the idle time */
const keepFor =
  (longestMs: number) =>
  (socket: Duplex): boolean => {
    const limitMs = Math.min(longestMs, limits.get(socket) ?? 0)
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
const patient = createAgents(Infinity)

/**
 * For all others: a connection that was used a moment ago is hardly ever stale. Every server keeps
 * one for 5 seconds.
 */
const cautious = createAgents(4_000)

/** The agent for one request. Its next connection is either new or not stale. */
export function agentFor(url: URL, isRepeatable: boolean): PlainAgent {
  const agent = agentOf(isRepeatable ? patient : cautious, url)
  // The newest connection is used first. If it is stale, all are.
  for (const sockets of idleTo(agent, url)) {
    const newest = sockets.at(-1)
    if (newest !== undefined && isStale(newest)) destroyAll(sockets)
  }
  return agent
}

/** Where one connection was stale, the other idle ones are not trusted either. */
export const closeIdle = (url: URL): void => idleTo(agentOf(patient, url), url).forEach(destroyAll)

const agentOf = ({ plain, tls }: Agents, { protocol }: URL): PlainAgent =>
  protocol === 'https:' ? tls : plain

const idleTo = (agent: PlainAgent, url: URL): (readonly Socket[])[] =>
  Object.entries(agent.freeSockets).flatMap(([name, sockets = []]) =>
    name.startsWith(`${peerOf(url)}:`) ? [sockets] : [],
  )

/** As agents name it. */
function peerOf({ protocol, hostname, port }: URL): string {
  const host = hostname.replace(/^\[|\]$/g, '')
  return `${host}:${port || (protocol === 'https:' ? '443' : '80')}`
}

function destroyAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy()
}

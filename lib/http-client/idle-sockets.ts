/**
 * How long sockets have been idle. An idle socket does not hold the process.
 *
 * A frozen instance runs no timers, and the monotonic clock of a virtual machine may stop with it.
 * So the idle time is also checked before a connection is used again, on both clocks.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
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

/** 0 for a connection that has not answered. */
export const limitOf = (socket: Duplex): number => limits.get(socket) ?? 0

export function markIdle(socket: Socket, limitMs: number): void {
  const [sinceMonotonic, sinceWall] = [clocks.monotonic(), clocks.wall()]
  idleSockets.set(socket, { sinceMonotonic, sinceWall, limitMs })
  socket.setTimeout(limitMs)
  socket.setKeepAlive(true, PROBE_AFTER_MS)
  socket.unref()
}

/** TCP then asks the other side whether it still has the connection. */
const PROBE_AFTER_MS = 30_000

export function isStale(socket: Duplex): boolean {
  const idle = idleSockets.get(socket)
  if (idle === undefined) return true
  const monotonic = clocks.monotonic() - idle.sinceMonotonic
  const wall = clocks.wall() - idle.sinceWall
  return Math.max(monotonic, wall) >= idle.limitMs
}

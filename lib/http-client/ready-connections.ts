/**
 * Connections that were opened before their request, at most one for each peer. A connection may
 * still be connecting when a request takes it. If it fails before, it is dropped and nothing is
 * logged, and the request opens its own.
 */
import type { Socket } from 'node:net'
import { isStale, markIdle } from './idle-sockets.ts'

const ready = new Map<string, Socket>()
const planned = new Set<string>()
const taken = new WeakSet<Socket>()

export const isReady = (peer: string): boolean => {
  const socket = ready.get(peer)
  return socket !== undefined && !socket.destroyed && !isStale(socket)
}

/**
 * Calls `open` in the next turn of the event loop. A message that is refused without a call to
 * another server is answered before. Does nothing if a request has opened its own connection by
 * then.
 */
export function planReady(peer: string, open: () => void): void {
  if (planned.has(peer)) return
  planned.add(peer)
  setImmediate(() => {
    if (planned.delete(peer)) open()
  })
}

export function addReady(peer: string, socket: Socket, limitMs: number): void {
  dropReady(peer)
  ready.set(peer, socket)
  socket.on('error', ignore).on('timeout', destroy)
  socket.setNoDelay(true)
  markIdle(socket, limitMs)
}

/** Undefined without one, and if it has been idle for too long. */
export function takeReady(peer: string): Socket | undefined {
  planned.delete(peer)
  const socket = isReady(peer) ? ready.get(peer) : undefined
  if (socket === undefined) return undefined
  ready.delete(peer)
  socket.off('error', ignore).off('timeout', destroy)
  socket.setTimeout(0)
  socket.ref()
  taken.add(socket)
  return socket
}

/** Whether the connection was opened before its first request, so that it may have been closed. */
export const wasReady = (socket: Socket): boolean => taken.has(socket)

export function dropReady(peer: string): void {
  ready.get(peer)?.destroy()
  ready.delete(peer)
}

const ignore = () => undefined

function destroy(this: Socket): void {
  this.destroy()
}

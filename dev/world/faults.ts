/** A switch for faults in front of a stand-in: unreachable, silent, slow, or with lost answers. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createMiddleware } from 'hono/factory'

export interface Fault {
  /** Answers again, and ends every other fault. */
  up(): void
  /** Unreachable: resets the connections of open requests and of all new ones. */
  down(): void
  /** Accepts requests and never answers them. */
  stall(): void
  /** Delays each request by this time. */
  slow(ms: number): void
  /** Processes requests, then resets the connection instead of answering. */
  loseAnswers(): void
  /** The number of requests since the start, with any outcome. */
  count(): number
}

type Mode = 'up' | 'down' | 'stall' | 'lose_answers' | { readonly delayMs: number }

export function createFault(): {
  readonly fault: Fault
  readonly middleware: ReturnType<typeof createMiddleware<{ Bindings: HttpBindings }>>
} {
  let mode: Mode = 'up'
  let requests = 0
  const unanswered = new Set<Socket>()

  const middleware = createMiddleware<{ Bindings: HttpBindings }>(async (context, next) => {
    const { socket } = context.env.incoming
    const reset = () => {
      socket.resetAndDestroy()
      return RESPONSE_ALREADY_SENT
    }
    requests += 1
    if (mode === 'down') return reset()
    unanswered.add(socket)
    if (mode === 'stall') {
      socket.once('close', () => unanswered.delete(socket))
      return RESPONSE_ALREADY_SENT
    }
    try {
      if (typeof mode === 'object') await sleep(mode.delayMs)
      await next()
    } finally {
      unanswered.delete(socket)
    }
    return mode === 'lose_answers' ? reset() : undefined
  })

  const fault: Fault = {
    up: () => void (mode = 'up'),
    down: () => {
      mode = 'down'
      for (const socket of unanswered) socket.resetAndDestroy()
    },
    stall: () => void (mode = 'stall'),
    slow: (delayMs) => void (mode = { delayMs }),
    loseAnswers: () => void (mode = 'lose_answers'),
    count: () => requests,
  }
  return { fault, middleware }
}

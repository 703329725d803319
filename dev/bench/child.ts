/** The child processes of a part, which are files of this directory, and what they do alike. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { join } from 'node:path'
import * as v from 'valibot'

export interface Child {
  /**
   * Sends a message, if one is given, and returns the next message of the child. Rejects if the
   * child ends instead.
   */
  readonly ask: <S extends v.GenericSchema>(
    schema: S,
    message?: string | object,
  ) => Promise<v.InferOutput<S>>
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => void
  /** Disconnects, on which every child cleans up and exits. */
  readonly stop: () => Promise<void>
}

interface Settings {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Options of Node itself. */
  readonly execArgv?: readonly string[]
}

/** The authority of the certificate that servers at a distance have. */
export const authorityFile = join(import.meta.dirname, '../../test/fixtures/tls/ca.pem')

/** A child that has not exited by then is killed. */
const STOP_MS = 10_000

/** Ignores the child's standard output, which is the log of the functions. */
export function startChild(
  file: string,
  { args = [], env = {}, execArgv = [] }: Settings = {},
): Child {
  const child = fork(join(import.meta.dirname, file), [...args], {
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Ctrl-C reaches the whole process group, and would end the child before it has dropped its
    // database.
    detached: process.platform !== 'win32',
  })
  const received: unknown[] = []
  child.on('message', (message) => received.push(message))
  return {
    async ask(schema, message) {
      if (message !== undefined) child.send(message)
      const waiting = new AbortController()
      const { signal } = waiting
      const ended = once(child, 'exit', { signal }).then(() =>
        Promise.reject(new Error(`${file} ended early`)),
      )
      try {
        while (received.length === 0)
          await Promise.race([once(child, 'message', { signal }), ended])
      } finally {
        ended.catch(() => undefined)
        waiting.abort()
      }
      return v.parse(schema, received.shift())
    },
    signal: (signal) => void child.kill(signal),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      const ended = once(child, 'exit')
      if (child.connected) child.disconnect()
      await ended.finally(() => clearTimeout(timer))
    },
  }
}

/** Returns the port. */
export async function listenLocally(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/**
 * Answers each message `usage` of the parent once `settled` resolves. With --expose-gc garbage is
 * collected before.
 */
export function reportUsage(settled: () => Promise<void>, countAnswers = (): number => 0): void {
  const report = async () => {
    await settled()
    const { user, system } = process.cpuUsage()
    for (let pass = 0; pass < 3; pass += 1)
      await globalThis.gc?.({ type: 'major', execution: 'async' })
    const { heapUsed, rss } = process.memoryUsage()
    process.send?.({ cpuMs: (user + system) / 1_000, answered: countAnswers(), heapUsed, rss })
  }
  process.on('message', (message) => void (message === 'usage' && report()))
  process.on('disconnect', () => process.exit())
}

export const usage = v.object({
  cpuMs: v.number(),
  /** Requests that the child has answered. */
  answered: v.number(),
  heapUsed: v.number(),
  rss: v.number(),
})

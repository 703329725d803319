/** The other processes of a part: started from files of this directory, heard, and ended with whatever they hold. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import * as v from 'valibot'

export interface Child {
  /** The next message, told nothing or this before. Rejects when it ends instead. */
  readonly hear: <S extends v.GenericSchema>(
    schema: S,
    tell?: string | object,
  ) => Promise<v.InferOutput<S>>
  /** Lets it clean up and end by itself, which each does when nobody listens any more. */
  readonly stop: () => Promise<void>
}

interface Settings {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** For Node itself. */
  readonly execArgv?: readonly string[]
}

/** Its standard output, the functions' log, is left out. */
export function startChild(
  file: string,
  { args = [], env = {}, execArgv = [] }: Settings = {},
): Child {
  const child = fork(join(import.meta.dirname, file), [...args], {
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Not in the terminal's reach: Ctrl-C would end it before it has dropped its database.
    detached: process.platform !== 'win32',
  })
  // What it says before anybody asks must not be lost.
  const said: unknown[] = []
  child.on('message', (message) => said.push(message))
  return {
    async hear(schema, tell) {
      if (tell !== undefined) child.send(tell)
      const deaf = new AbortController()
      const { signal } = deaf
      const died = once(child, 'exit', { signal }).then(() =>
        Promise.reject(new Error(`${file} ended early`)),
      )
      try {
        while (said.length === 0) await Promise.race([once(child, 'message', { signal }), died])
      } finally {
        died.catch(() => undefined)
        deaf.abort()
      }
      return v.parse(schema, said.shift())
    },
    stop: () => stop(child),
  }
}

/** Whoever is too busy to hear that nobody listens is ended after this. */
const PATIENCE_MS = 10_000

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  await ended.finally(() => clearTimeout(timer))
}

/**
 * A deployment: the output of `vercel build`, served at its domain with the variables of
 * production.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import * as v from 'valibot'

const HOST = new URL('host.ts', import.meta.url)
const address = v.object({ port: v.number() })

export interface Deployment {
  /** The local URL. */
  readonly url: string
  /** The functions' log lines, oldest first. */
  readonly log: readonly string[]
  /** Resolves once the functions' background work is done. */
  readonly settled: () => Promise<void>
  readonly stop: () => Promise<void>
}

export async function deploy(
  output: string,
  program: string,
  internetPort: number,
  variables: Readonly<Record<string, string>>,
): Promise<Deployment> {
  const child = fork(HOST, [output, program], {
    // Replaces this process's own arguments, to which a test runner may have added some.
    execArgv: [`--import=${new URL('redirect-tls.ts', import.meta.url).href}`],
    env: {
      SystemRoot: process.env['SystemRoot'],
      INTERNET_PORT: String(internetPort),
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log: string[] = []
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface(stream).on('line', (line) => log.push(line))
  const ended = once(child, 'exit').then(() =>
    Promise.reject(new Error('the deployment has ended')),
  )
  ended.catch(() => undefined)
  const nextMessage = async (): Promise<unknown> => {
    const [message]: unknown[] = await Promise.race([once(child, 'message'), ended])
    return message
  }
  const { port } = v.parse(address, await nextMessage())
  return {
    log,
    url: `http://127.0.0.1:${port}`,
    settled: async () => {
      child.send('settle')
      await nextMessage()
    },
    stop: async () => {
      child.kill()
      await ended.catch(() => undefined)
    },
  }
}

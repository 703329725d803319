/**
 * Processes with all functions, and a balancer in front of them. A process can be killed or stopped
 * at any moment, and all connections from the processes to their services can be reset.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import * as v from 'valibot'

const PROGRAM = join(import.meta.dirname, '../../dev/bench/instance.ts')

const serving = v.object({ url: v.string() })

export interface Instance {
  readonly url: string
  readonly process: ChildProcess
}

/** The instances, in the order in which they were started. */
export class Instances {
  readonly #env: Readonly<Record<string, string>>
  readonly #live: Instance[] = []

  /** @param env the variables of the functions */
  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env
  }

  get live(): readonly Instance[] {
    return this.#live
  }

  /** @param root of other functions than those of this project */
  async start(root?: string): Promise<void> {
    const args = root === undefined ? [] : [root]
    const child = fork(PROGRAM, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    child.stderr?.on('data', (lines: Buffer) => console.error(lines.toString()))
    const [first] = await once(child, 'message')
    child.send({ env: this.#env })
    await once(child, 'message')
    const instance = { url: v.parse(serving, first).url, process: child }
    this.#live.push(instance)
    child.once('exit', () => {
      const at = this.#live.indexOf(instance)
      if (at >= 0) this.#live.splice(at, 1)
    })
  }

  /** Kills one and starts another. */
  async replace(killed: Instance | undefined, root?: string): Promise<void> {
    killed?.process.kill('SIGKILL')
    await this.start(root)
  }

  /** Also ends those that are suspended. */
  async killAll(): Promise<void> {
    await Promise.all(
      this.#live.map(async ({ process }) => {
        const ended = once(process, 'exit')
        process.kill('SIGKILL')
        await ended
      }),
    )
  }
}

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** Passes each request to the next instance. The answer is 502 if its connection breaks. */
export async function openBalancer() {
  let [next, instances]: [number, Instances | null] = [0, null]
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const live = instances?.live ?? []
    next += 1
    const instance = live[next % live.length]
    if (instance === undefined) return void outgoing.writeHead(502).end()
    const { method, headers, url } = incoming
    const passed = request(`${instance.url}${url ?? '/'}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy()
      else outgoing.writeHead(502).end()
    })
    outgoing.on('close', () => passed.destroy())
    incoming.pipe(passed)
  }
  const server = createServer(pass)
  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    serve: (started: Instances) => void (instances = started),
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A proxy of a server whose connections can be reset. */
export async function openProxy(to: string) {
  const { hostname: host, port } = new URL(to)
  const sockets = new Set<Socket>()
  const proxy = createTcpServer((near) => {
    const far = connect({ host, port: Number(port) })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy()).on('close', () => sockets.delete(one))
    }
  })
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const number = await listen(proxy)
  return {
    url: `http://127.0.0.1:${number}`,
    reset,
    stop: () => {
      reset()
      proxy.close()
    },
  }
}

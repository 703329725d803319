/**
 * A process that puts servers at a distance. Each gets a port, behind which every byte travels for
 * half of the round trip that the first argument names in milliseconds, and is encrypted with TLS
 * 1.3. Obeys its parent: `close` closes all connections, `traffic` tells the bytes by name.
 *
 * The kernel connects two sockets of one machine without delay. A TCP handshake takes a round trip,
 * so the first bytes of a connection wait for one more.
 */
import { connect, createServer, type Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import * as v from 'valibot'
import { authorityFile, listenLocally } from './child.ts'

const roundTripMs = Number(process.argv[2])
const fixture = (name: string) => readFileSync(join(authorityFile, '..', name))
const tls = {
  key: fixture('server.key.pem'),
  cert: fixture('server.pem'),
  minVersion: 'TLSv1.3',
} as const

const target = v.object({
  name: v.string(),
  port: v.number(),
  /** PostgreSQL begins without TLS, and the client asks for it. */
  isPostgres: v.boolean(),
})
type Target = v.InferOutput<typeof target>

const connections = new Set<Socket>()
const traffic = new Map<string, number>()

/** Delivers what arrives at `from`, in order. */
function travel(from: Socket, to: Socket, opensAt: number, name: string): void {
  let delivered: Promise<unknown> = Promise.resolve()
  const deliver = (work: () => void) => {
    const due = Math.max(performance.now(), opensAt) + roundTripMs / 2
    delivered = delivered.then(async () => {
      const left = due - performance.now()
      if (left > 0) await sleep(left)
      work()
    })
  }
  from.on('data', (bytes) => {
    traffic.set(name, (traffic.get(name) ?? 0) + bytes.byteLength)
    deliver(() => to.write(bytes))
  })
  from.on('end', () => deliver(() => to.end()))
  from.on('error', () => to.destroy())
}

/** Returns the port of a server that ends the encryption. */
function decrypt({ port, isPostgres }: Target): Promise<number> {
  const pass = (plain: Socket) => {
    const server = connect({ port, host: '127.0.0.1', noDelay: true })
    pipeline(plain, server, plain, () => undefined)
  }
  if (!isPostgres) return listenLocally(createTlsServer({ ...tls, noDelay: true }, pass))
  const answerRequest = (socket: Socket) =>
    socket.once('data', () => {
      socket.write('S')
      pass(new TLSSocket(socket, { ...tls, isServer: true }))
    })
  return listenLocally(createServer({ noDelay: true }, (socket) => void answerRequest(socket)))
}

async function open(one: Target): Promise<number> {
  const far = await decrypt(one)
  const options = { noDelay: true, allowHalfOpen: true }
  const server = createServer(options, (near) => {
    const to = connect({ port: far, host: '127.0.0.1', ...options })
    connections.add(near)
    near.once('close', () => connections.delete(near) && to.destroy())
    const now = performance.now()
    travel(near, to, now + roundTripMs, one.name)
    travel(to, near, now, one.name)
  })
  return listenLocally(server)
}

const order = v.union([v.picklist(['close', 'traffic']), v.array(target)])

async function obey(message: v.InferOutput<typeof order>): Promise<unknown> {
  if (message === 'traffic') return Object.fromEntries(traffic)
  if (message !== 'close') return Promise.all(message.map(open))
  for (const connection of connections) connection.destroy()
  return 'done'
}

process.on(
  'message',
  (message) => void obey(v.parse(order, message)).then((answer) => process.send?.(answer)),
)
process.on('disconnect', () => process.exit())

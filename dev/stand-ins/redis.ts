/** A Redis for the world: embedded, in memory, or a real one by URL. */
import { createInMemoryRedis, RedisCommandError, type InMemoryRedis } from 'js-redis-server'
import { createClient, ErrorReply, RESP_TYPES } from 'redis'
import { PlainError } from '../program/plain-error.ts'

export interface RedisServer {
  /**
   * Sends one command. Calls of one turn of the event loop reach the server together. Bulk strings
   * are returned as Buffers.
   */
  readonly send: (command: readonly string[]) => Promise<unknown>
  readonly stop: () => Promise<void>
}

/**
 * Starts the embedded server, without a socket. Its data is not kept, because Redis is only a cache
 * and a lock for the functions.
 */
export async function startRedis(): Promise<RedisServer> {
  const redis = await createInMemoryRedis()
  const client = redis.connect({ returnBuffers: true })
  let statistics: Promise<() => string> | undefined
  const refuse = (error: unknown): never => {
    // A refusal is the same kind of value as from a real server.
    throw error instanceof RedisCommandError ? new ErrorReply(error.message) : error
  }
  return {
    async send([name = '', ...args]) {
      if (/^info$/i.test(name) && args[0] === 'commandstats')
        return Buffer.from((await (statistics ??= countCommands(redis)))())
      return client.command(name, ...args).catch(refuse)
    },
    stop: async () => redis.close(),
  }
}

/**
 * Counts each command from now on, like `INFO commandstats` of a real server: the commands that a
 * script runs count too.
 */
async function countCommands(redis: InMemoryRedis): Promise<() => string> {
  const monitor = redis.connect()
  await monitor.command('MONITOR')
  const calls = new Map<string, number>()
  const count = async () => {
    for await (const line of monitor.pushes()) {
      const text = typeof line === 'string' ? line : ''
      const name = /^\S+ \[[^\]]*\] "([^"]*)"/.exec(text)?.[1]?.toLowerCase() ?? ''
      calls.set(name, (calls.get(name) ?? 0) + 1)
    }
  }
  // It ends with the server.
  void count().catch(() => undefined)
  return () => [...calls].map(([name, times]) => `cmdstat_${name}:calls=${times}\r\n`).join('')
}

/** Connects to a real server, whose data is left as it is at stop. */
export async function connectRedis(url: string): Promise<RedisServer> {
  // Without the offline queue a lost server is an error immediately, as for a caller of the real
  // service.
  let isConnected = false
  const client = createClient({
    url,
    // A server that was connected before is waited for. Otherwise the address is wrong.
    socket: {
      reconnectStrategy: (retries, cause) => (isConnected ? Math.min(50 * retries, 2_000) : cause),
    },
    RESP: 2,
    disableOfflineQueue: true,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  })
  client.on('error', () => undefined)
  await client
    .connect()
    .catch(() =>
      Promise.reject(
        new PlainError(`No Redis answers at ${new URL(url).host}, the address of TEST_REDIS_URL.`),
      ),
    )
  isConnected = true
  return {
    send: (command) => client.sendCommand<unknown>([...command]),
    stop: async () => client.destroy(),
  }
}

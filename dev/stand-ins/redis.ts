/** A Redis for the world: embedded, in memory, or a real one by URL. */
import { createInMemoryClient, RedisCommandError } from 'js-redis-server'
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
  const client = await createInMemoryClient({ returnBuffers: true })
  const refuse = (error: unknown): never => {
    // A refusal is the same kind of value as from a real server.
    throw error instanceof RedisCommandError ? new ErrorReply(error.message) : error
  }
  return {
    send: ([name = '', ...args]) => client.command(name, ...args).catch(refuse),
    stop: async () => client.close(),
  }
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

/** A Redis for the world to work on: embedded, in memory, or a real one by URL. */
import { once } from 'node:events'
import { createRedisServer } from 'js-redis-server'
import { createClient, RESP_TYPES } from 'redis'

export interface RedisServer {
  /** Sends one command. Calls made in one turn reach the server one after another, nothing in between. Bulk strings come back as Buffers. */
  readonly send: (command: readonly string[]) => Promise<unknown>
  readonly stop: () => Promise<void>
}

/** Starts the embedded server. What it holds ends with it: to these functions Redis is only a cache and a lock. */
export async function startRedis(): Promise<RedisServer> {
  const embedded = await createRedisServer()
  if (!('server' in embedded)) throw new Error('a single embedded server was asked for')
  const listener = embedded.server.server
  // It listens on every interface, without a password. This one is for this machine alone.
  await new Promise((closed) => listener.close(closed))
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const client = await connectRedis(`redis://127.0.0.1:${embedded.server.getPort()}`)
  const stop = async () => {
    await client.stop()
    await embedded.close()
  }
  return { send: client.send, stop }
}

/** Connects to a real server, which is left as it is at stop. */
export async function connectRedis(url: string): Promise<RedisServer> {
  // Without the offline queue a lost server is an error at once, as it would be for a caller of the real service.
  const client = createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  })
  client.on('error', () => undefined)
  await client.connect()
  return {
    send: (command) => client.sendCommand<unknown>([...command]),
    stop: async () => client.destroy(),
  }
}

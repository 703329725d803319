/** The database and the Redis of the world, each with a switch for faults. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Env } from 'hono'
import { createFault, type Fault } from '../world/faults.ts'
import { createNeon } from './neon.ts'
import type { NeonMode, NeonRefusal, WriteRefusal } from './neon-refusals.ts'
import { openDatabase, openEmbedded, type Database } from './postgres.ts'
import { connectRedis, startRedis } from './redis.ts'
import { createUpstash } from './upstash.ts'

type App = Hono<{ Bindings: HttpBindings }>

/** A database can also refuse with a reason. `up` ends this too. */
export interface DatabaseFault extends Fault {
  /** Refuses every request, with Neon's text. */
  refuse(refusal: NeonRefusal): void
  /** Refuses statements that would write. Reads go on. */
  refuseWrites(refusal: WriteRefusal): void
}

type Rows = readonly Readonly<Record<string, string | null>>[]

export interface DatabaseService extends Service<DatabaseFault> {
  /** Queries the database beside the switch. Values are PostgreSQL's text. */
  query(text: string): Promise<Rows>
}

export interface Service<F extends Fault = Fault> {
  /** Mounted at `/stand-ins/...`. It has no routes if the environment names the service. */
  readonly app: App
  readonly fault: F
  readonly stop: () => Promise<void>
}

/** A service that the environment names. Its switch has no effect. */
export const noService = (): Service => ({
  app: new Hono<{ Bindings: HttpBindings }>(),
  fault: createFault().fault,
  stop: async () => undefined,
})

export const noDatabaseService = (): DatabaseService => ({
  ...noService(),
  query: async () => [],
  fault: { ...createFault().fault, refuse: () => undefined, refuseWrites: () => undefined },
})

/**
 * Opens the given database, a new one on a real server, or the embedded one, in a directory or in
 * memory.
 */
export async function openDatabaseService({
  database,
  postgresUrl,
  directory,
}: {
  readonly database?: Database | undefined
  readonly postgresUrl?: string | undefined
  readonly directory?: string | undefined
}): Promise<DatabaseService> {
  const opened =
    database ??
    (await (postgresUrl === undefined ? openEmbedded(directory) : openDatabase(postgresUrl)))
  let mode: NeonMode = 'up'
  const { fault, ...service } = behindSwitch(
    '/stand-ins/neon',
    createNeon(opened, () => mode),
    opened.stop,
  )
  return {
    ...service,
    query: async (text) => (await opened.pool.query<Rows[number]>(text)).rows,
    fault: {
      ...fault,
      up: () => {
        mode = 'up'
        fault.up()
      },
      refuse: (refuse) => void (mode = { refuse }),
      refuseWrites: (refuseWrites) => void (mode = { refuseWrites }),
    },
  }
}

/** @param serverUrl a real server. Default: the embedded one */
export async function openRedisService(
  token: string,
  serverUrl: string | undefined,
): Promise<Service> {
  const redis = await (serverUrl === undefined ? startRedis() : connectRedis(serverUrl))
  return behindSwitch('/stand-ins/upstash', createUpstash(redis, token), redis.stop)
}

function behindSwitch<E extends Env>(
  path: string,
  routes: Hono<E>,
  stop: () => Promise<void>,
): Service {
  const { fault, middleware } = createFault()
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use(`${path}/*`, middleware)
  app.route(path, routes)
  return { app, fault, stop }
}

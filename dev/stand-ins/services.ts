/** The database and the Redis the world brings along, each behind a switch. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Env } from 'hono'
import { createFault, type Fault } from '../faults.ts'
import { createNeon } from './neon.ts'
import { openDatabase, openEmbedded } from './postgres.ts'
import { connectRedis, startRedis } from './redis.ts'
import { createUpstash } from './upstash.ts'

type App = Hono<{ Bindings: HttpBindings }>

export interface Service {
  /** At `/stand-ins/...`. Without routes where the environment names the service itself. */
  readonly app: App
  readonly fault: Fault
  readonly stop: () => Promise<void>
}

/** A service that is not stood in for; its switch has nothing to switch. */
export function noService(): Service {
  return { app: new Hono<{ Bindings: HttpBindings }>(), fault: createFault().fault, stop: async () => undefined }
}

/** @param where a directory, or a real server to make a database on; embedded and in memory without either. */
export async function openDatabaseService(where: {
  readonly directory?: string | undefined
  readonly serverUrl?: string | undefined
}): Promise<Service> {
  const { pool, stop } = await (where.serverUrl === undefined ? openEmbedded(where.directory) : openDatabase(where.serverUrl))
  return behindSwitch('/stand-ins/neon', createNeon(pool), stop)
}

/** @param serverUrl a real server; embedded without. */
export async function openRedisService(token: string, serverUrl: string | undefined): Promise<Service> {
  const redis = await (serverUrl === undefined ? startRedis() : connectRedis(serverUrl))
  return behindSwitch('/stand-ins/upstash', createUpstash(redis, token), redis.stop)
}

function behindSwitch<E extends Env>(path: string, routes: Hono<E>, stop: () => Promise<void>): Service {
  const { fault, middleware } = createFault()
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use(`${path}/*`, middleware)
  app.route(path, routes)
  return { app, fault, stop }
}

/**
 * The servers to measure on: those of `TEST_DATABASE_URL` and `TEST_REDIS_URL`, otherwise embedded
 * ones.
 */
import type { World } from '../world/world.ts'
import { openDatabase, openEmbedded, type Database } from '../stand-ins/postgres.ts'

export const postgresUrl = process.env['TEST_DATABASE_URL']
export const redisUrl = process.env['TEST_REDIS_URL']
export const databaseKind = postgresUrl === undefined ? 'PGlite' : 'PostgreSQL'

/** An empty database. */
export const createDatabase = (): Promise<Database> =>
  postgresUrl === undefined ? openEmbedded() : openDatabase(postgresUrl)

/** Adds a delay to every request to the database, Redis and WeChat. */
export function slowDown({ faults, simulator }: World, ms: number): void {
  faults.database.slow(ms)
  faults.redis.slow(ms)
  simulator?.clearFaults()
  for (const on of ['jscode2session', 'unifiedorder', 'orderquery'] as const)
    simulator?.misbehave({ on, do: 'delay', ms })
}

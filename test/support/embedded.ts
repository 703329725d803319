/**
 * The embedded PostgreSQL of the tests: starting one takes longer than most tests, so a worker
 * keeps those its files are done with.
 */
import { openEmbedded, type Database } from '../../dev/stand-ins/postgres.ts'

/** Modules are loaded anew for each file, what is global stays. */
const KEPT = Symbol.for('wechat-pay-functions.test.databases')
const isList = (value: unknown): value is Database[] => Array.isArray(value)

function keptDatabases(): Database[] {
  const kept: unknown = Reflect.get(globalThis, KEPT)
  if (isList(kept)) return kept
  const none: Database[] = []
  Reflect.set(globalThis, KEPT, none)
  return none
}

/**
 * What a world of the tests works on: an empty database of the server that `TEST_DATABASE_URL`
 * names, else an embedded one.
 */
export async function borrowStore(): Promise<{
  readonly postgresUrl?: string
  readonly database?: Database
}> {
  const postgresUrl = process.env['TEST_DATABASE_URL']
  return postgresUrl === undefined ? { database: await borrowDatabase() } : { postgresUrl }
}

/** An empty database; stopped, it is kept for the next file. */
export async function borrowDatabase(): Promise<Database> {
  const database = keptDatabases().pop() ?? (await openEmbedded())
  await database.pool.query('drop schema public cascade; create schema public')
  return { pool: database.pool, stop: async () => void keptDatabases().push(database) }
}

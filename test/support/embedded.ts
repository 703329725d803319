/**
 * The embedded PostgreSQL of the tests. Starting one takes longer than most tests, so a worker
 * reuses the databases of its earlier files.
 */
import { openDatabase, openEmbedded, type Database } from '../../dev/stand-ins/postgres.ts'

/** Modules are loaded again for each test file. Global values stay. */
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
 * Returns the database for a world: an empty one on the server that `TEST_DATABASE_URL` names, else
 * an embedded one.
 */
export async function borrowStore(): Promise<{ readonly database: Database }> {
  const server = process.env['TEST_DATABASE_URL']
  return {
    database: await (server === undefined
      ? borrowDatabase()
      : openDatabase(server, { isClockShared: true })),
  }
}

/** Returns an empty database. Stopping it keeps it for the next test file. */
export async function borrowDatabase(): Promise<Database> {
  const database = keptDatabases().pop() ?? (await openEmbedded())
  await database.pool.query('drop schema public cascade; create schema public')
  return { pool: database.pool, stop: async () => void keptDatabases().push(database) }
}

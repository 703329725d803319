/** A PostgreSQL database for the world: embedded, or a new database on a real server. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import { DatabaseError, escapeIdentifier, Pool } from 'pg'
import type { CustomTypesConfig, PoolClient } from 'pg'
import * as v from 'valibot'
import { PlainError } from '../program/plain-error.ts'

export interface Database {
  readonly pool: Pool
  /** Cancels the running statement of a connection. The embedded server cannot do this. */
  readonly cancel?: (client: PoolClient) => Promise<void>
  /** Sets the clock of a connection. The clock of the embedded server is that of the process. */
  readonly setClock?: (client: PoolClient) => Promise<unknown>
  readonly stop: () => Promise<void>
}

/**
 * Neon passes PostgreSQL's text on. Set on the pool, because the embedded adapter does not accept
 * it with a query.
 */
const asText: CustomTypesConfig = { getTypeParser: () => (text: string) => text }

/** Opens the embedded server in memory or on a directory, which is created if it is missing. */
export async function openEmbedded(directory?: string): Promise<Database> {
  if (directory !== undefined && !existsSync(directory)) await initialise(directory)
  const server =
    directory === undefined
      ? await PGlite.create({ loadDataDir: await freshData() })
      : await PGlite.create(directory)
  // It has one connection. The connection never idles out, because a second client would be the
  // same connection.
  const pool = new Pool(
    Object.assign(createPgConfig(server), { types: asText, max: 1, idleTimeoutMillis: 0 }),
  )
  const stop = async () => {
    await pool.end()
    await server.close()
  }
  return { pool, stop }
}

/** Hides PostgreSQL's own `now()`. */
const SHARED_CLOCK = `
  create schema shared_clock;
  create function shared_clock.now() returns timestamptz language sql stable
    return coalesce(nullif(current_setting('shared_clock.now', true), '')::timestamptz, pg_catalog.now())`

/**
 * Creates a database with a random name on a real server, and drops it at stop. With a shared
 * clock, its time is that of this process, which a test may move.
 */
export async function openDatabase(
  serverUrl: string,
  { isClockShared = false }: { readonly isClockShared?: boolean } = {},
): Promise<Database> {
  const name = `wxpay_${randomBytes(6).toString('hex')}`
  // Not template1: creating from it fails while another connection to it is open, for example of
  // another run.
  await administer(
    serverUrl,
    `create database ${escapeIdentifier(name)} template template0 encoding 'UTF8'`,
  ).catch((cause: unknown) =>
    // PostgreSQL's own message is enough.
    Promise.reject(
      cause instanceof DatabaseError
        ? cause
        : new PlainError('No PostgreSQL answers at the address of TEST_DATABASE_URL.'),
    ),
  )
  const url = new URL(serverUrl)
  url.pathname = name
  if (isClockShared) await administer(url.href, SHARED_CLOCK)
  const pool = new Pool({
    connectionString: url.href,
    types: asText,
    // Only tests share a clock. Their data need not survive a crash of the server.
    ...(isClockShared
      ? { options: '-c search_path=public,shared_clock,pg_catalog -c synchronous_commit=off' }
      : {}),
  })
  // The errors of connections that are idle or being closed. Without listeners they would end the
  // process.
  pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined))
  const stop = async () => {
    await pool.end()
    await administer(serverUrl, `drop database ${escapeIdentifier(name)} with (force)`)
  }
  // On a separate connection, because all connections of the pool may be waiting for the statement.
  const cancel = (client: PoolClient) =>
    administer(serverUrl, 'select pg_cancel_backend($1)', [String(processOf(client))])
  const setClock = (client: PoolClient) =>
    client.query(`select set_config('shared_clock.now', $1, false)`, [new Date().toISOString()])
  return { pool, cancel, stop, ...(isClockShared ? { setClock } : {}) }
}

/** The server's process of a connection. `pg` has it, but not in its types. */
const processOf = (client: PoolClient): unknown => Reflect.get(client, 'processID')

async function administer(
  serverUrl: string,
  statement: string,
  values?: readonly string[],
): Promise<void> {
  const pool = new Pool({ connectionString: serverUrl, max: 1 })
  try {
    await pool.query(statement, values && [...values])
  } finally {
    await pool.end()
  }
}

/**
 * Creates it beside its place and renames it, so that an interrupted run leaves nothing incomplete.
 */
async function initialise(directory: string): Promise<void> {
  const unfinished = `${directory}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(dirname(directory), { recursive: true })
  const server = await PGlite.create(unfinished, { loadDataDir: await freshData() })
  await server.close()
  await rename(unfinished, directory)
}

/**
 * A new data directory, cached as a tar, because creating one takes seconds and loading it does
 * not.
 */
async function freshData(): Promise<Blob> {
  const file = await cacheFile()
  const kept = await readFile(file).catch(() => undefined)
  if (kept !== undefined) return new Blob([kept])
  const server = await PGlite.create()
  const data = await server.dumpDataDir('none')
  await server.close()
  await mkdir(dirname(file), { recursive: true })
  // Two processes may do this at the same time. Each writes its own file, and the last rename wins.
  const own = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(own, new Uint8Array(await data.arrayBuffer()))
  await rename(own, file)
  return data
}

async function cacheFile(): Promise<string> {
  const manifest = findPackageJSON('@electric-sql/pglite', import.meta.url)
  if (manifest === undefined) throw new Error('@electric-sql/pglite is not installed')
  const { version } = v.parse(
    v.pipe(v.string(), v.parseJson(), v.object({ version: v.string() })),
    await readFile(manifest, 'utf8'),
  )
  return join(resolve(import.meta.dirname, '../../node_modules/.cache'), `pglite-${version}.tar`)
}

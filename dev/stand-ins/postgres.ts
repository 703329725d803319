/** A PostgreSQL of our own for the world to work on: embedded, or a fresh database on a real server. */
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
  readonly stop: () => Promise<void>
}

/** Neon sends PostgreSQL's text through. Set on the pool: the embedded adapter does not take it with a query. */
const asText: CustomTypesConfig = { getTypeParser: () => (text: string) => text }

/** Opens the embedded server, in memory or on a directory, which is made when it is missing. */
export async function openEmbedded(directory?: string): Promise<Database> {
  if (directory !== undefined && !existsSync(directory)) await initialise(directory)
  const server =
    directory === undefined
      ? await PGlite.create({ loadDataDir: await freshData() })
      : await PGlite.create(directory)
  // One connection is all it has; never idle, because a second client on the same connection buys nothing.
  const pool = new Pool(
    Object.assign(createPgConfig(server), { types: asText, max: 1, idleTimeoutMillis: 0 }),
  )
  const stop = async () => {
    await pool.end()
    await server.close()
  }
  return { pool, stop }
}

/** Creates a database of random name on a real server, and drops it at stop. */
export async function openDatabase(serverUrl: string): Promise<Database> {
  const name = `wxpay_${randomBytes(6).toString('hex')}`
  // Never template1: creating from it fails while anybody is connected to it, for instance another run doing the same.
  await administer(
    serverUrl,
    `create database ${escapeIdentifier(name)} template template0 encoding 'UTF8'`,
  ).catch((cause: unknown) =>
    // What PostgreSQL says itself says enough.
    Promise.reject(
      cause instanceof DatabaseError
        ? cause
        : new PlainError('No PostgreSQL answers at the address of TEST_DATABASE_URL.'),
    ),
  )
  const url = new URL(serverUrl)
  url.pathname = name
  const pool = new Pool({ connectionString: url.href, types: asText })
  // An idle connection that breaks is reported here, and would end the process if nobody listened.
  pool.on('error', () => undefined)
  const stop = async () => {
    await pool.end()
    await administer(serverUrl, `drop database ${escapeIdentifier(name)} with (force)`)
  }
  // On a separate connection: all those of the pool may be waiting for the statement to be cancelled.
  const cancel = (client: PoolClient) =>
    administer(serverUrl, 'select pg_cancel_backend($1)', [String(processOf(client))])
  return { pool, cancel, stop }
}

/** The server's process of a connection. `pg` has it, but not in its types. */
const processOf = (client: PoolClient): unknown => Reflect.get(client, 'processID')

async function administer(
  serverUrl: string,
  statement: string,
  values: readonly string[] = [],
): Promise<void> {
  const pool = new Pool({ connectionString: serverUrl, max: 1 })
  try {
    await pool.query(statement, [...values])
  } finally {
    await pool.end()
  }
}

/** Beside its place first, then renamed: a process that dies in between leaves nothing half made behind. */
async function initialise(directory: string): Promise<void> {
  const unfinished = `${directory}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(dirname(directory), { recursive: true })
  const server = await PGlite.create(unfinished, { loadDataDir: await freshData() })
  await server.close()
  await rename(unfinished, directory)
}

/** A newly initialised data directory, kept as a tar because making one takes seconds and loading it a moment. */
async function freshData(): Promise<Blob> {
  const file = await cacheFile()
  const kept = await readFile(file).catch(() => undefined)
  if (kept !== undefined) return new Blob([kept])
  const server = await PGlite.create()
  const data = await server.dumpDataDir('none')
  await server.close()
  await mkdir(dirname(file), { recursive: true })
  // Two processes may be at this at once: each writes its own, and the last rename wins whole.
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

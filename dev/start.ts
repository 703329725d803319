/** `npm start`: runs the local world with its data in `.data/` until it is stopped. */
import { readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readOptions } from './program/command-line.ts'
import { LOCK_FILE, lockData } from './world/data-lock.ts'
import { readVariable } from './program/environment.ts'
import { migrate } from './migrate/migrate.ts'
import { whenOrphaned } from './program/orphaned.ts'
import { explain, PlainError } from './program/plain-error.ts'
import { writeAddress } from './world/address.ts'
import { describeClock, describeWorld } from './world/description.ts'
import { stockShop } from './world/stock-shop.ts'
import { startWorld, type World } from './world/world.ts'

const USAGE = 'npm start [-- --fresh]    --fresh deletes the data of earlier runs'

/**
 * npm and the terminal both pass Ctrl-C on. A second signal within this time is the same key press.
 */
const SAME_SIGNAL_MS = 250

const dataDirectory = resolve(import.meta.dirname, '../.data')

function readPort(): number {
  const text = readVariable(process.env, 'PORT') ?? '3000'
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new PlainError('PORT is not a number from 0 to 65535.')
  return port
}

async function start(fresh: boolean): Promise<World> {
  const given = { ...process.env }
  const port = readPort()
  const lock = lockData(dataDirectory)
  if (lock === null)
    throw new PlainError(
      'Another npm start uses .data. Stop it first: two of them would destroy the data.',
    )
  process.on('exit', lock.release)
  if (fresh) deleteData()
  const world = await startWorld({
    host: readVariable(given, 'HOST') ?? '127.0.0.1',
    port,
    dataDirectory,
    complaints: true,
    isWatched: true,
    onClockMoved: () => console.log(describeClock()),
  })
  await stockShop(world)
  process.on('exit', writeAddress(dataDirectory, world.url))
  console.log(
    describeWorld(world, {
      given,
      whyNotMigrated: await whyNotMigrated(world),
      isWindows: process.platform === 'win32',
    }),
  )
  return world
}

/**
 * Returns null if the database is current. A database of the user may be unreachable: the functions
 * then say so, and recover later.
 */
async function whyNotMigrated(world: World): Promise<string | null> {
  if (!world.standIns.database) return migrate(world.env).then(() => null, explain)
  return null
}

/** Everything except the lock, which this process holds. */
function deleteData(): void {
  for (const name of readdirSync(dataDirectory))
    if (name !== LOCK_FILE) rmSync(join(dataDirectory, name), { recursive: true })
}

function fail(error: unknown): never {
  console.error(explain(error))
  return process.exit(1)
}

const starting = start(readOptions(USAGE, { fresh: { type: 'boolean', default: false } }).fresh)

let signalledAt: number | undefined
function stop(): void {
  const now = performance.now()
  if (signalledAt !== undefined && now - signalledAt < SAME_SIGNAL_MS) return
  if (signalledAt !== undefined) process.exit(1)
  signalledAt = now
  starting.then((world) => world.stop()).then(() => process.exit(0), fail)
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
whenOrphaned(stop)

starting.catch(fail)

/** Keeps a second world off the same data: two servers on one data directory would destroy it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface DataLock {
  readonly release: () => void
}

/** The file the lock is on. It holds nothing and may stay. */
export const LOCK_FILE = 'lock'

/**
 * Takes the directory for this process, or returns null when another has it.
 *
 * SQLite's exclusive lock is the operating system's own: it ends with the process that holds it, however that dies,
 * so there is no left-over to judge and no process number that might meanwhile be somebody else's.
 */
export function lockData(directory: string): DataLock | null {
  mkdirSync(directory, { recursive: true })
  const database = new DatabaseSync(join(directory, LOCK_FILE))
  try {
    database.exec('pragma journal_mode = memory; begin exclusive')
  } catch {
    database.close()
    return null
  }
  return { release: () => database.close() }
}

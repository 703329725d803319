/**
 * Prevents two worlds from using the same data, because two servers would destroy a data directory.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface DataLock {
  readonly release: () => void
}

/** The file of the lock. It is empty and may stay. */
export const LOCK_FILE = 'lock'

/**
 * Locks the directory for this process. Returns null if another process holds the lock.
 *
 * SQLite's exclusive lock is a lock of the operating system and ends with its process. So a lock
 * file cannot be left over, and no process number is compared that another process may have by now.
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

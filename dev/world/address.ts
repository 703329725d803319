/**
 * The file with the URL of the world of `.data/`, for other commands. It exists while the world
 * runs.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const ADDRESS_FILE = 'address'

/** @returns a function that removes the file again */
export function writeAddress(dataDirectory: string, url: string): () => void {
  const file = join(dataDirectory, ADDRESS_FILE)
  writeFileSync(file, url)
  return () => rmSync(file, { force: true })
}

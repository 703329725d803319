/** Where the world of `.data/` listens, for commands beside it. The file is there while the world runs. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const ADDRESS_FILE = 'address'

/** @returns what removes it again */
export function writeAddress(dataDirectory: string, url: string): () => void {
  const file = join(dataDirectory, ADDRESS_FILE)
  writeFileSync(file, url)
  return () => rmSync(file, { force: true })
}

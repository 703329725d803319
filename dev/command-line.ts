import { realpathSync } from 'node:fs'

/** Whether a file is the program that was started, and not imported. Node has a word for it only from 24.2 on. */
export function isProgram(file: string): boolean {
  const started = process.argv[1]
  return started !== undefined && realpathSync(started) === file
}

import { realpathSync } from 'node:fs'
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

/** Whether a file is the program that was started, and not imported. Node has a word for it only from 24.2 on. */
export function isProgram(file: string): boolean {
  const started = process.argv[1]
  return started !== undefined && realpathSync(started) === file
}

/** What stands behind the command. Whoever writes `--help`, or anything else, reads how it is used. */
export function readOptions<const T extends ParseArgsOptionsConfig>(usage: string, options: T) {
  if (process.argv.includes('--help')) {
    console.log(`Usage: ${usage}`)
    return process.exit(0)
  }
  try {
    return parseArgs({ options }).values
  } catch {
    console.error(`Usage: ${usage}`)
    return process.exit(2)
  }
}

/** A whole number from 1 on. */
export function readNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  console.error(`--${name} takes a whole number from 1 on`)
  return process.exit(2)
}

import { realpathSync } from 'node:fs'
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

/**
 * Whether a file was started as a program, and not imported. Node has `import.meta.main` only from
 * 24.2 on.
 */
export function isProgram(file: string): boolean {
  const started = process.argv[1]
  return started !== undefined && realpathSync(started) === file
}

/** Prints the usage and ends the program if it was started with `--help`. */
export function answerHelp(usage: string): void {
  if (!process.argv.includes('--help')) return
  process.stdout.write(`Usage: ${usage}\n`)
  process.exit(0)
}

/**
 * Returns the options of the command line. `--help` prints the usage. An unknown option prints its
 * name and the usage, and ends the program with 2.
 */
export function readOptions<const T extends ParseArgsOptionsConfig>(usage: string, options: T) {
  answerHelp(usage)
  const taken = findTakenByNpm(Object.keys(options), process.env)
  if (taken !== null) {
    console.error(taken)
    return process.exit(2)
  }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    console.error(explainMisuse(error, usage))
    return process.exit(2)
  }
}

/** The first sentence of Node's message, such as "Unknown option '--frech'", and the usage. */
export function explainMisuse(error: unknown, usage: string): string {
  const [reason = ''] = (error instanceof Error ? error.message : '').split(/\. |\.?\n/)
  return `${reason}\nUsage: ${usage}`
}

/** For a program without options. */
export const readNoOptions = (usage: string): void => void readOptions(usage, {})

/** npm takes options without a preceding `--` as its own, and passes them on as variables only. */
function findTakenByNpm(options: readonly string[], env: NodeJS.ProcessEnv): string | null {
  const script = env['npm_lifecycle_event']
  const option = options.find(
    (name) => env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined,
  )
  if (script === undefined || option === undefined || process.argv.includes(`--${option}`))
    return null
  return `npm kept --${option} for itself: write npm ${script === 'start' ? 'start' : `run ${script}`} -- --${option}`
}

/** Reads a whole number from `least` on. Any other text ends the program with 2. */
export function readNumber(name: string, text: string, least: 0 | 1 = 1): number {
  if (/^(0|[1-9]\d{0,8})$/.test(text) && Number(text) >= least) return Number(text)
  console.error(`--${name} takes a whole number from ${least} on`)
  return process.exit(2)
}

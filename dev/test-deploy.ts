/**
 * `npm run test:deploy`: builds the project with Vercel's own tool, offline, and makes a payment
 * with the built functions.
 *
 * Exits with 75 if the tool is missing and the npm registry cannot be reached. With `--install` it
 * only installs the tool.
 */
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { readOptions } from './program/command-line.ts'
import { explain } from './program/plain-error.ts'
import { installVercel, RegistryUnreachable } from './build/vercel-cli.ts'

const root = resolve(import.meta.dirname, '..')
const USAGE = "npm run test:deploy [-- --install]    --install only installs Vercel's tool"

/** "Temporary failure, try again later", of sysexits.h. */
const TRY_AGAIN_LATER = 75

const options = readOptions(USAGE, { install: { type: 'boolean', default: false } })
try {
  const program = await installVercel()
  if (!options.install) {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const tests = spawn(
      process.execPath,
      [vitest, 'run', '--config', 'test/deploy/vitest.config.ts'],
      {
        cwd: root,
        env: { ...process.env, VERCEL_PROGRAM: program },
        stdio: 'inherit',
      },
    )
    tests.once('close', (code) => {
      process.exitCode = code ?? 1
    })
  }
} catch (error) {
  console.error(explain(error))
  process.exitCode = error instanceof RegistryUnreachable ? TRY_AGAIN_LATER : 1
}

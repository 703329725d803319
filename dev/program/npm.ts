import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']

/**
 * Runs npm without the scripts of packages.
 *
 * @param directory that npm works in
 * @returns what npm printed as errors; null if it succeeded
 */
export async function runNpm(directory: string, args: readonly string[]): Promise<string | null> {
  // The npm that started this program. Run by this Node, it needs no PATH and no shell, on Windows
  // either.
  const { npm_execpath: npm } = process.env
  const child = spawn(
    npm === undefined ? 'npm' : process.execPath,
    [...(npm === undefined ? [] : [npm]), ...args, ...QUIET],
    {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
      shell: npm === undefined && process.platform === 'win32',
    },
  )
  const [errors] = await Promise.all([text(child.stderr), once(child, 'close')])
  return child.exitCode === 0 ? null : errors.trim()
}

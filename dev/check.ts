/** `npm run check`: all checks that need no tests. Runs every step, even after a failure. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { readNoOptions } from './program/command-line.ts'
import { programOf } from './program/package-program.ts'

const root = resolve(import.meta.dirname, '..')

readNoOptions(
  'npm run check    types, lint, format, dead code, prose, and the size of every function',
)

interface Step {
  readonly name: string
  /** The arguments of Node: a program and its arguments. */
  readonly run: readonly string[]
  /** Its output is a report, which is also shown on success. */
  readonly isReport?: boolean
}

const steps: readonly Step[] = [
  { name: 'types', run: [programOf('typescript', 'tsc'), '-p', '.'] },
  { name: 'shop types', run: [programOf('typescript', 'tsc'), '-p', 'miniprogram'] },
  { name: 'page types', run: [programOf('typescript', 'tsc'), '-p', 'dev/pages'] },
  {
    name: 'lint',
    run: [
      programOf('oxlint', 'oxlint'),
      '-c',
      'dev/oxlint.json',
      '--type-aware',
      '--report-unused-disable-directives',
      '.',
    ],
  },
  // One path and no pattern, because with a pattern it does not descend into folders.
  { name: 'format', run: [programOf('oxfmt', 'oxfmt'), '--check', '-c', 'dev/oxfmt.json', '.'] },
  { name: 'dead code', run: [programOf('knip', 'knip'), '-c', 'dev/knip.json', '--no-progress'] },
  { name: 'prose', run: ['dev/prose/prose.ts'] },
  { name: 'functions', run: ['dev/build/build-functions.ts'], isReport: true },
]

async function run(step: Step): Promise<boolean> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, step.run, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<boolean>((done, fail) =>
    child.once('error', fail).once('close', (code) => done(code === 0)),
  )
  const [passed, out, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`${passed ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(10)} ${seconds.padStart(5)} s`)
  const shown = passed ? (step.isReport === true ? out : '') : `${out}${errors}`
  if (shown.trim() !== '') console.log(shown.trimEnd().replaceAll(/^/gm, '      '))
  return passed
}

const failed: string[] = []
for (const step of steps) if (!(await run(step))) failed.push(step.name)

console.log(
  failed.length === 0
    ? `check: all ${steps.length} steps passed`
    : `check: failed: ${failed.join(', ')}`,
)
process.exitCode = failed.length === 0 ? 0 : 1

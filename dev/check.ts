/** `npm run check`: what needs no test to be seen wrong. Runs every step, even after one that failed. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import * as v from 'valibot'

const root = resolve(import.meta.dirname, '..')

interface Step {
  readonly name: string
  /** What Node runs: a program and its arguments. */
  readonly run: readonly string[]
  /** The output is a report, wanted also when all is well. */
  readonly isReport?: boolean
}

const steps: readonly Step[] = [
  { name: 'types', run: [programOf('typescript', 'tsc'), '-p', '.'] },
  { name: 'shop types', run: [programOf('typescript', 'tsc'), '-p', 'miniprogram'] },
  {
    name: 'lint',
    run: [programOf('oxlint', 'oxlint'), '-c', 'dev/oxlint.json', '--type-aware', '--report-unused-disable-directives', '.'],
  },
  // One path, and no pattern: beside a pattern it would not look into folders.
  { name: 'format', run: [programOf('oxfmt', 'oxfmt'), '--check', '-c', 'dev/oxfmt.json', '.'] },
  { name: 'dead code', run: [programOf('knip', 'knip'), '-c', 'dev/knip.json', '--no-progress'] },
  { name: 'functions', run: ['dev/build-functions.ts'], isReport: true },
]

/** The script behind a package's command. Started by this Node itself, it needs no PATH and no shell, on Windows neither. */
function programOf(name: string, command: string): string {
  const directory = join(root, 'node_modules', name)
  const manifest = v.parse(
    v.object({ bin: v.record(v.string(), v.string()) }),
    JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')),
  )
  return join(directory, manifest.bin[command] ?? '')
}

async function run(step: Step): Promise<boolean> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, step.run, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<boolean>((done, fail) => child.once('error', fail).once('close', (code) => done(code === 0)))
  const [passed, out, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`${passed ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(10)} ${seconds.padStart(5)} s`)
  const shown = passed ? (step.isReport === true ? out : '') : `${out}${errors}`
  if (shown.trim() !== '') console.log(shown.trimEnd().replaceAll(/^/gm, '      '))
  return passed
}

const failed: string[] = []
for (const step of steps) if (!(await run(step))) failed.push(step.name)

console.log(failed.length === 0 ? `check: all ${steps.length} steps passed` : `check: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

/**
 * Sends hostile input to everything that reads input, and prints the outcomes.
 *
 *   npm run fuzz -- --inputs 1000000 --seed 7
 *   npm run fuzz -- --seed 7 --target messages --only 1234     the one input again
 *
 * The same seed makes the same inputs. The command exits with 1 if an input caused a violation.
 */
import { readNumber, readOptions } from '../../dev/program/command-line.ts'
import { runCampaign, shareOf, targetNames, type TargetName } from './campaign.ts'
import type { Found, Report } from './target.ts'

const USAGE = `npm run fuzz -- [--inputs N] [--seed N] [--target T [--only N]]

Sends hostile input to everything that reads input.
  --inputs N  how many, over all targets (100000)
  --target T  only this one: ${targetNames.join(', ')}
  --only N    only the input with this number`

const values = readOptions(USAGE, {
  inputs: { type: 'string', default: '100000' },
  seed: { type: 'string', default: String(1 + (Date.now() % 999_999)) },
  target: { type: 'string' },
  only: { type: 'string' },
})

const [inputs, seed] = [readNumber('inputs', values.inputs), readNumber('seed', values.seed)]
const only = values.only === undefined ? undefined : wholeNumber('only', values.only)
const target = targetNames.find((name) => name === values.target)
if (values.target !== undefined && target === undefined)
  refuse(`--target is one of ${targetNames.join(', ')}`)
if (only !== undefined && target === undefined) refuse('--only needs --target')

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) refuse(`--${name} is a whole number`)
  return Number(text)
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`)
  process.exit(2)
}

const write = (text: string) => void process.stdout.write(text)
const startedAt = performance.now()
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
const total = target === undefined ? inputs : shareOf(target, inputs)
let done = 0

/** On a terminal one line is overwritten; elsewhere a line appears every 50,000 inputs. */
const EVERY = process.stdout.isTTY ? 2_000 : 50_000
function showProgress(name: TargetName, count: number): void {
  done += count
  if (done % EVERY >= count) return
  write(
    `${done} of ${total} inputs, ${name}, ${seconds(performance.now() - startedAt)}${process.stdout.isTTY ? '\r' : '\n'}`,
  )
}

function table({ target: name, inputs: checked, ms, slowestMs, outcomes }: Report): string {
  const rows = [...outcomes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([outcome, count]) => `  ${String(count).padStart(9)}  ${outcome}`)
  return [
    `${name}: ${checked} inputs in ${seconds(ms)}, the slowest ${slowestMs} ms`,
    ...rows,
    '',
  ].join('\n')
}

function violation(name: TargetName | undefined, { what, index, input, smallest }: Found): string {
  const onlyOption = index === null ? '' : ` --only ${index}`
  return [
    `VIOLATION: ${what}`,
    `  ${input}`,
    ...(smallest === '' ? [] : ['smallest input with the same violation:', `  ${smallest}`]),
    `again: npm run fuzz -- --seed ${seed} --target ${name ?? ''}${onlyOption}`,
    '',
  ].join('\n')
}

const run = await runCampaign({
  seed,
  inputs,
  only: target === undefined ? undefined : { target, index: only },
  onProgress: showProgress,
})
const names = target === undefined ? targetNames : [target]
write('\n')
for (const report of run) write(`${table(report)}\n`)
for (const [index, report] of run.entries())
  for (const found of report.found) write(`${violation(names[index], found)}\n`)
const violations = run.reduce((sum, report) => sum + report.found.length, 0)
const checked = run.reduce((sum, report) => sum + report.inputs, 0)
write(
  `${checked} inputs, seed ${seed}, ${seconds(performance.now() - startedAt)}, ${violations === 0 ? 'no violation' : `${violations} violations`}\n`,
)
process.exit(violations === 0 ? 0 : 1)

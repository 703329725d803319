/**
 * `npm run simulate -- --histories 100000 --seed 1`: plays so many random histories, each named by its own seed, and says
 * how often everything was reached that could be. `--seed N` alone plays that one; `--trace` shows every message of it.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import * as v from 'valibot'
import { readNumber, readOptions } from '../../dev/program/command-line.ts'
import { REACHABLE } from './mishaps.ts'
import { shrink, trace } from './shrink.ts'
import { HISTORIES_PER_WORLD } from './world.ts'

const values = readOptions(
  'npm run simulate -- [--histories N] [--seed N] [--workers N] [--trace]',
  {
    histories: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(1 + (Date.now() % 999_999_999)) },
    trace: { type: 'boolean', default: false },
    /** More than there are cores, where the database is a server of its own and there is time to wait for it. */
    workers: { type: 'string', default: String(availableParallelism()) },
    /** For a search that only asks whether there is anything to find. */
    quick: { type: 'boolean', default: false },
  },
)
const [histories, first] = [
  readNumber('histories', values.histories),
  readNumber('seed', values.seed),
]
const workers = readNumber('workers', values.workers)

/** So many are enough to know that something is wrong. */
const ENOUGH_FAILURES = values.quick ? 1 : 5
const CHUNK = Math.min(HISTORIES_PER_WORLD, Math.ceil(histories / workers))

const report = v.object({
  seed: v.number(),
  problems: v.array(v.string()),
  met: v.array(v.tuple([v.string(), v.number()])),
})

const met = new Map<string, number>()
const failures: { readonly seed: number; readonly problems: readonly string[] }[] = []
const startedAt = performance.now()
let [played, handedOut] = [0, 0]
let isStopped = false

// What was found so far is worth having.
process.once('SIGINT', () => {
  isStopped = true
})

if (values.trace) {
  process.stdout.write(await trace(first))
} else {
  await Promise.all(Array.from({ length: Math.min(workers, histories) }, work))
  process.stderr.write(process.stderr.isTTY ? '\r\x1b[K' : '')
  await conclude()
}

/** Takes chunks until none is left; a thread each, for a world ends with its calendar. */
async function work(): Promise<void> {
  while (handedOut < histories && !isEnough()) {
    const from = first + handedOut
    const count = Math.min(CHUNK, histories - handedOut)
    handedOut += count
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { from, count },
    })
    let reported = 0
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message) => {
        reported += 1
        note(v.parse(report, message))
        if (isEnough()) void worker.terminate()
      })
      worker.once('error', reject)
      // A thread with nothing left to wait for ends as if all were well.
      worker.once('exit', () =>
        reported === count || isEnough()
          ? resolve()
          : reject(new Error(`seed ${from + reported} has no end`)),
      )
    })
  }
}

function isEnough(): boolean {
  return isStopped || failures.length >= ENOUGH_FAILURES
}

function note({ seed, problems, met: reached }: v.InferOutput<typeof report>): void {
  played += 1
  for (const [name, count] of reached) met.set(name, (met.get(name) ?? 0) + count)
  if (problems.length > 0) failures.push({ seed, problems })
  showProgress()
}

/** A bar for a person; for a log, a line now and then. */
function showProgress(): void {
  const done = played / histories
  const left = ((performance.now() - startedAt) / 1_000) * (1 / done - 1)
  const text = `${played} of ${histories} histories, ${failures.length} failed, ${Math.ceil(left)} s left`
  if (process.stderr.isTTY) {
    if (played % 20 === 0)
      process.stderr.write(`\r[${'#'.repeat(Math.floor(done * 30)).padEnd(30, '.')}] ${text}\x1b[K`)
  } else if (played % Math.ceil(histories / 50) === 0) process.stderr.write(`${text}\n`)
}

async function conclude(): Promise<void> {
  const seconds = (performance.now() - startedAt) / 1_000
  const print = (line = '') => process.stdout.write(`${line}\n`)
  for (const { seed, problems } of failures) print(`seed ${seed}: ${problems.join('; ')}`)
  const [failure] = failures
  if (failure !== undefined && !values.quick) print(await shrink(failure.seed))
  if (failure !== undefined)
    print(`Again: npm run simulate -- --seed ${failure.seed}   (with --trace: every message of it)`)
  if (!values.quick) showReached(print)
  const unreached = REACHABLE.filter((name) => !met.has(name))
  if (unreached.length > 0) print(`\nNever reached: ${unreached.join(', ')}`)
  print(
    `\n${played} histories from seed ${first} in ${seconds.toFixed(0)} s: ${failures.length === 0 ? 'every promise held' : `${failures.length} broke a promise`}`,
  )
  process.exitCode = failures.length === 0 ? 0 : 1
}

function showReached(print: (line: string) => void): void {
  const [targets, mishaps] = [new Set<string>(), new Set<string>()]
  for (const [target = '', mishap = ''] of REACHABLE.map((name) => name.split(': '))) {
    targets.add(target)
    mishaps.add(mishap)
  }
  const row = (cells: readonly string[]) => print(`| ${cells.join(' | ')} |`)
  row(['mishap', ...targets])
  row(['---', ...[...targets].map(() => '---:')])
  for (const mishap of mishaps)
    row([
      mishap,
      ...[...targets].map((target) =>
        REACHABLE.includes(`${target}: ${mishap}`)
          ? String(met.get(`${target}: ${mishap}`) ?? 0)
          : '',
      ),
    ])
  print('')
  row(['reached', 'times'])
  row(['---', '---:'])
  for (const [name, count] of [...met].toSorted(([a], [b]) => a.localeCompare(b)))
    if (name.startsWith('world: ')) row([name.slice('world: '.length), String(count)])
}

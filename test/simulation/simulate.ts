/**
 * `npm run simulate -- --histories 100000 --seed 1`: runs that many random histories, each from its
 * own seed, and prints how often each fault and each answer occurred. `--seed N` alone runs that
 * one history; `--trace` prints its messages. `--power` measures how many planted defects 300
 * histories find.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import * as v from 'valibot'
import { readNumber, readOptions } from '../../dev/program/command-line.ts'
import { ALL_MODES } from './account.ts'
import { BILL_ERRORS } from './bill-errors.ts'
import { corpus } from './corpus.ts'
import { REACHABLE } from './faults.ts'
import { FORGERIES_OF_PAYMENTS } from './forged-notification.ts'
import { FALSEHOODS } from './history.ts'
import { PAIRS } from './pairs.ts'
import { measurePower } from './power/power.ts'
import { TROUBLES } from './shipping-trouble.ts'
import { shrink, trace } from './shrink.ts'
import { HISTORIES_PER_WORLD } from './world.ts'

const values = readOptions(
  `npm run simulate -- [--histories N] [--seed N] [--workers N] [--trace] [--quick]
npm run simulate -- --power [--histories N] [--seed N] [--rules N] [--mutations N] [--only WORDS]
                            [--tests] [--minutes N] [--missed N]

Plays random histories and checks every promise. A seed alone plays its history again.
  --histories N  how many (one, or 300 for each defect).
  --workers N    how many at the same time (one for each core).
  --trace        print every message of one history.
  --quick        play no past failures, and stop at the first failure.
  --power        plant defects, and play histories against each until one finds it.
  --rules N      how many of the defects made by hand (all).
  --mutations N  how many of Stryker's mutations (none).
  --only WORDS   only defects with these words in their description.
  --tests        also run npm test against each defect.
  --minutes N    begin with no further defect after this time.
  --missed N     fail if more defects than this are missed (0).`,
  {
    /** One, or 300 for each defect. */
    histories: { type: 'string' },
    seed: { type: 'string', default: String(1 + (Date.now() % 999_999_999)) },
    trace: { type: 'boolean', default: false },
    /** Set it higher than the number of cores if the database is a separate server. */
    workers: { type: 'string', default: String(availableParallelism()) },
    /** Plays no corpus, stops at the first failure and does not shrink it. */
    quick: { type: 'boolean', default: false },
    power: { type: 'boolean', default: false },
    rules: { type: 'string' },
    mutations: { type: 'string' },
    /** After this time histories search for no further defect. */
    minutes: { type: 'string' },
    /** Fails if more defects than this are not found, although histories could find them. */
    missed: { type: 'string' },
    only: { type: 'string', default: '' },
    tests: { type: 'boolean', default: false },
  },
)
const histories = readNumber('histories', values.histories ?? (values.power ? '300' : '1'))
const first = readNumber('seed', values.seed)
const workers = readNumber('workers', values.workers)

/** How many missed pairs are named. A short search misses a thousand. */
const MOST_NAMED = 100
/** Erases the progress bar of a terminal. */
const CLEAR_LINE = process.stderr.isTTY ? '\r\x1b[K' : ''
/** The search stops after this many failures. */
const MAX_FAILURES = values.quick ? 1 : 5
const CHUNK = Math.min(HISTORIES_PER_WORLD, Math.ceil(histories / workers))

/** Other occurrences that a search must reach. */
const OCCURRENCES = [
  ...ALL_MODES.map((mode) => `mode ${mode}`),
  'moved to v2',
  'moved to v3',
  'public key replaced',
  'certificates replaced by a public key',
  'certificate rotated',
  'a claim of v2 refused',
  'a claim of v3 refused',
  'probe refused',
  'unknown event taken',
  ...FORGERIES_OF_PAYMENTS.map((forgery) => `forgery ${forgery} refused`),
  'repeated taken',
  'other protocol taken',
  'other protocol refused',
  ...TROUBLES.map((trouble) => `shipping trouble ${trouble}`),
  ...FALSEHOODS.map((falsehood) => `query with ${falsehood}`),
  'refund with a false answer',
  'bill compared',
  ...BILL_ERRORS.map((error) => `bill error ${error}`),
  'code again accepted',
  'code again refused',
  'parcels accepted',
  'parcels not accepted',
  'parcels corrected: yes',
  'late parcels: 409 shipping_refused',
  'shipping.overdue',
  'complained',
  'complained again',
  ...['reply', 'finish', 'approve', 'reject'].map((action) => `complaint: ${action} accepted`),
  'complaint.overdue reply',
  'complaint.overdue finish',
  'complaint 409 complaint_busy',
  'notification tampered refused',
  'notification of an unknown complaint taken',
  'notification of a known complaint taken',
].map((name) => `world: ${name}`)

const report = v.object({
  name: v.string(),
  /** Null for a history of the corpus. */
  seed: v.nullable(v.number()),
  problems: v.array(v.string()),
  counts: v.array(v.tuple([v.string(), v.number()])),
})

const totals = new Map<string, number>()
const failures: Pick<v.InferOutput<typeof report>, 'name' | 'seed' | 'problems'>[] = []
const startedAt = performance.now()
let [finished, assigned] = [0, 0]
let isStopped = false
/** Not 0 once the search is over. Threads read it between two histories. */
const stop = new Int32Array(new SharedArrayBuffer(4))

// An interrupted search still prints what it has found.
process.once('SIGINT', () => {
  isStopped = true
})

if (values.power) {
  const { only, tests: withTests } = values
  const most = values.missed === undefined ? 0 : readNumber('missed', values.missed, 0)
  const missed = await measurePower({
    rules: values.rules === undefined ? Infinity : readNumber('rules', values.rules, 0),
    mutations: values.mutations === undefined ? 0 : readNumber('mutations', values.mutations, 0),
    histories,
    seed: first,
    only,
    withTests,
    minutes: values.minutes === undefined ? Infinity : readNumber('minutes', values.minutes),
    workers,
    isStopped: () => isStopped,
  })
  process.exitCode = missed <= most ? 0 : 1
} else if (values.trace) {
  process.stdout.write(await trace(first))
} else {
  await Promise.all(Array.from({ length: Math.min(workers, histories) }, work))
  process.stderr.write(CLEAR_LINE)
  await conclude()
}

/**
 * Runs chunks until none is left. Each chunk has its own thread, because a world can run only so
 * many histories.
 */
async function work(): Promise<void> {
  while (assigned < histories && !isOver()) {
    const from = first + assigned
    const count = Math.min(CHUNK, histories - assigned)
    // A search for one history, which a seed names, does not play the corpus.
    const playsCorpus = assigned === 0 && histories > 1 && !values.quick
    assigned += count
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { from, count, playsCorpus, stop },
    })
    const expected = count + (playsCorpus ? corpus.length : 0)
    let reported = 0
    const nameOf = (index: number) =>
      index < expected - count
        ? `entry ${index + 1} of the corpus`
        : `the history of seed ${from + index - (expected - count)}`
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message) => {
        const one = v.parse(report, message)
        reported += 1
        add(one)
        // Not `terminate()`, because a terminated thread would leave its database on the server.
        if (isOver()) Atomics.store(stop, 0, 1)
      })
      worker.once('error', reject)
      // A thread whose event loop is empty exits without an error, even if its history never
      // finished.
      worker.once('exit', () =>
        reported === expected || isOver()
          ? resolve()
          : reject(new Error(`${nameOf(reported)} never finished`)),
      )
    })
  }
}

function isOver(): boolean {
  return isStopped || failures.length >= MAX_FAILURES
}

function add({ name, seed, problems, counts }: v.InferOutput<typeof report>): void {
  if (seed !== null) finished += 1
  for (const [what, count] of counts) totals.set(what, (totals.get(what) ?? 0) + count)
  if (problems.length > 0) {
    failures.push({ name, seed, problems })
    // A long search can be followed while it runs.
    process.stderr.write(`${CLEAR_LINE}${name}: ${problems.join('; ')}\n`)
  }
  if (seed !== null) showProgress()
}

/** Draws a progress bar on a terminal, and prints at most fifty lines elsewhere. */
function showProgress(): void {
  const done = finished / histories
  const left = ((performance.now() - startedAt) / 1_000) * (1 / done - 1)
  const text = `${finished} of ${histories} histories, ${failures.length} failed, ${Math.ceil(left)} s left`
  if (process.stderr.isTTY) {
    if (finished % 20 === 0)
      process.stderr.write(`\r[${'#'.repeat(Math.floor(done * 30)).padEnd(30, '.')}] ${text}\x1b[K`)
  } else if (finished % Math.ceil(histories / 50) === 0) process.stderr.write(`${text}\n`)
}

async function conclude(): Promise<void> {
  const seconds = (performance.now() - startedAt) / 1_000
  const print = (line = '') => process.stdout.write(`${line}\n`)
  for (const { name, problems } of failures) print(`${name}: ${problems.join('; ')}`)
  const seed = failures.find((failure) => failure.seed !== null)?.seed ?? null
  if (seed !== null && !values.quick) print(await shrink(seed))
  if (seed !== null)
    print(`Again: npm run simulate -- --seed ${seed}   (with --trace: every message of it)`)
  if (!values.quick && histories > 1) showReached(print)
  if (isStopped) print('\nThe search was interrupted.')
  print(
    `\n${finished} histories from seed ${first} in ${seconds.toFixed(0)} s: ${failures.length === 0 ? 'every promise held' : `${failures.length} broke a promise`}`,
  )
  process.exitCode = failures.length > 0 ? 1 : isStopped ? 130 : 0
}

function showReached(print: (line: string) => void): void {
  const [targets, faults] = [new Set<string>(), new Set<string>()]
  for (const [target = '', fault = ''] of REACHABLE.map((name) => name.split(': '))) {
    targets.add(target)
    faults.add(fault)
  }
  const row = (cells: readonly string[]) => print(`| ${cells.join(' | ')} |`)
  row(['fault', ...targets])
  row(['---', ...[...targets].map(() => '---:')])
  for (const fault of faults)
    row([
      fault,
      ...[...targets].map((target) =>
        REACHABLE.includes(`${target}: ${fault}`)
          ? String(totals.get(`${target}: ${fault}`) ?? 0)
          : '',
      ),
    ])
  print('')
  row(['reached', 'times'])
  row(['---', '---:'])
  for (const [name, count] of [...totals].toSorted(([a], [b]) => a.localeCompare(b)))
    if (name.startsWith('world: ')) row([name.slice('world: '.length), String(count)])
  for (const [what, pairs] of Object.entries(PAIRS)) {
    const never = pairs.filter((pair) => !totals.has(`pair: ${pair}`))
    print(`\nPairs of ${what}: ${pairs.length - never.length} of ${pairs.length} reached`)
    const named = never.slice(0, MOST_NAMED).join(', ')
    const others = Math.max(0, never.length - MOST_NAMED)
    if (never.length > 0)
      print(`Never reached: ${named}${others > 0 ? ` and ${others} others` : ''}`)
  }
  const unreached = [...REACHABLE, ...OCCURRENCES].filter((name) => !totals.has(name))
  if (unreached.length > 0) print(`\nNever reached: ${unreached.join(', ')}`)
}

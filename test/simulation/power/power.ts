/**
 * `npm run simulate -- --power` plants one defect at a time in a copy of the code and runs random
 * histories, without the corpus, until one breaks a promise. The share of the defects that are
 * found is the power of the simulation. A defect that is never found shows a gap in the search,
 * unless it changes nothing that a history can see (`unseen`).
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { PlainError } from '../../../dev/program/plain-error.ts'
import { Random } from '../random.ts'
import { pickMutations } from './mutations.ts'
import type { PlantedDefect } from './planted-defect.ts'
import { semanticDefects } from './semantic-defects.ts'

const root = resolve(import.meta.dirname, '../../..')
const NOT_COPIED = new Set(['.git', '.data', '.vercel', 'node_modules'])

/** The searches in a copy share the compiled code of all files that the defect does not change. */
const COMPILED = '.compiled'

/** A history takes less than a second, so a search that prints nothing for so long hangs. */
const LONGEST_SILENCE_MS = 600_000

interface Search {
  /** How many of the defects made by hand are planted. The seed chooses them. */
  readonly rules: number
  /** How many of Stryker's mutations are planted besides the defects made by hand. */
  readonly mutations: number
  /** The most histories for each defect. */
  readonly histories: number
  readonly seed: number
  /** Part of the description: only these defects are planted. */
  readonly only: string
  /** Whether the ordinary tests run, too. */
  readonly withTests: boolean
  /** After this time histories search for no further defect. */
  readonly minutes: number
  /** How many searches run at the same time. */
  readonly workers: number
  /** Whether the user has interrupted the search. */
  readonly isStopped: () => boolean
}

type Found = { readonly after: number; readonly because: string } | null

interface Measured {
  readonly defect: PlantedDefect
  readonly found: Found
}

/** Returns the number of missed defects, without those that no history can find. */
export async function measurePower(search: Search): Promise<number> {
  // Two generators, so that each choice is the same with and without the other one.
  const rules = new Random(`power ${search.seed}`).sample(semanticDefects, search.rules)
  const random = new Random(`mutations ${search.seed}`)
  const mutations = await pickMutations(root, search.mutations, random)
  const chosen = [...rules, ...mutations].filter(({ what }) => what.includes(search.only))
  printHead('defect', 'found after', 'because')
  const measured: Measured[] = []
  const left = [...chosen]
  const end = performance.now() + search.minutes * 60_000
  const isOver = () => search.isStopped() || performance.now() > end
  const next = () => (isOver() ? undefined : left.shift())
  const measureRest = () =>
    inCopy(async (copy) => {
      for (let defect = next(); defect !== undefined; defect = next()) {
        const found = await withDefect(copy, defect, () => playHistories(copy, search))
        if (search.isStopped()) return
        measured.push({ defect, found })
        printRow([
          defect.what,
          found === null ? 'never' : String(found.after),
          found?.because ?? defect.unseen ?? '',
        ])
      }
    })
  // If the code without a defect failed, every defect would seem to be found.
  const sound = await inCopy((copy) => playHistories(copy, { ...search, histories: 3 }))
  if (sound !== null) throw new PlainError(`Without a defect, a history fails: ${sound.because}`)
  await Promise.all(Array.from({ length: search.workers }, measureRest))
  const inHistories = measured.filter(({ found }) => found !== null)
  const { histories, minutes } = search
  console.log(`\nfound within ${histories} histories: ${share(inHistories, measured)}`)
  if (left.length > 0)
    console.log(
      `not planted ${search.isStopped() ? 'before the interruption' : `in ${minutes} minutes`}: ${left.length}`,
    )
  if (search.withTests && !search.isStopped()) await compareWithTests(measured)
  return measured.filter(({ defect, found }) => found === null && defect.unseen === undefined)
    .length
}

/**
 * The tests use every core, so the defects are planted one after the other. Those that no history
 * has found come first, because the run takes long.
 */
async function compareWithTests(measured: readonly Measured[]): Promise<void> {
  printHead('defect', 'by histories', 'by tests')
  const byTests = new Set<Measured>()
  await inCopy(async (copy) => {
    // If the tests failed without a defect, they would seem to find every defect.
    if (await failTests(copy)) throw new PlainError('Without a defect, the tests fail.')
    for (const one of measured.toSorted(
      (a, b) => Number(a.found !== null) - Number(b.found !== null),
    )) {
      const { defect, found } = one
      const isFound = await withDefect(copy, defect, () => failTests(copy, defect))
      if (isFound) byTests.add(one)
      printRow([
        defect.what,
        ...[found !== null, isFound].map((is) => (is ? 'found' : 'not found')),
      ])
    }
  })
  const byBoth = [...byTests].filter(({ found }) => found !== null)
  const byAny = measured.filter((one) => one.found !== null || byTests.has(one))
  console.log(`\nfound by histories, of those that the tests find: ${share(byBoth, [...byTests])}`)
  console.log(`found by the tests or by histories: ${share(byAny, measured)}`)
}

const share = (part: readonly unknown[], whole: readonly unknown[]) =>
  `${part.length} of ${whole.length}`

function printHead(...columns: readonly string[]): void {
  printRow(columns)
  printRow(columns.map(() => '---'))
}

const printRow = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)

async function inCopy<T>(work: (copy: string) => Promise<T>): Promise<T> {
  const copy = await mkdtemp(join(tmpdir(), 'power-'))
  try {
    const filter = (path: string) => !NOT_COPIED.has(relative(root, path))
    await cp(root, copy, { recursive: true, filter })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    return await work(copy)
  } finally {
    await rm(copy, { recursive: true })
  }
}

async function withDefect<T>(
  copy: string,
  { file, plant }: PlantedDefect,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(copy, file)
  const before = await readFile(path, 'utf8')
  await writeFile(path, plant(before))
  try {
    return await work()
  } finally {
    await writeFile(path, before)
  }
}

async function playHistories(copy: string, { histories, seed }: Search): Promise<Found> {
  const numbers = ['--histories', String(histories), '--seed', String(seed), '--workers', '1']
  const { output, errors, isStopped } = await run(
    copy,
    'test/simulation/simulate.ts',
    '--quick',
    ...numbers,
  )
  const [, failed, because] = /^seed (\d+): (.*)$/m.exec(output) ?? []
  if (because !== undefined) return { after: Number(failed) - seed + 1, because: shorten(because) }
  if (/^\d+ histories/m.test(output)) return null
  // The search itself did not finish.
  return { after: 0, because: isStopped ? 'endless' : `does not run: ${shorten(errorIn(errors))}` }
}

/**
 * Runs the tests of the part with the defect first, because they find most. The tests of the
 * simulation are left out.
 */
async function failTests(copy: string, defect?: PlantedDefect): Promise<boolean> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const options = ['--config', 'test/vitest.config.ts', '--bail', '1']
  const projects = ['--project', '!long*', '--project', '!simulation']
  // This test fails for every rule: the text that the defect replaces is no longer in the code.
  const others = ['--exclude', 'test/reliability.test.ts']
  const fails = async (...files: readonly string[]) =>
    (await run(copy, vitest, 'run', ...options, ...projects, ...others, ...files)).code !== 0
  const part = defect === undefined ? null : dirname(defect.file).replace('lib/', 'test/')
  return (part !== null && (await fails(part))) || fails()
}

/** Ends a program that has printed nothing for too long. */
async function run(cwd: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_COMPILE_CACHE: join(cwd, COMPILED) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let isStopped = false
  const watch = setTimeout(() => (isStopped = child.kill('SIGKILL')), LONGEST_SILENCE_MS)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', () => watch.refresh())
  const ended = new Promise<number | null>((done) => child.once('close', done))
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  clearTimeout(watch)
  return { output, errors, code, isStopped }
}

/** The first problem, without the numbers that differ from run to run. */
const shorten = (problems: string): string =>
  (problems.split('; ')[0] ?? '')
    .replaceAll(/\(?[\w-]{20,}\)?/g, '')
    .replaceAll('|', '/')
    .slice(0, 120)
    .trim()

/** The first error line. After it come the stack and the version of Node. */
const errorIn = (output: string): string => /^\w*Error.*$/m.exec(output)?.[0] ?? ''

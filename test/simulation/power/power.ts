/**
 * `npm run simulate -- --power` plants one defect at a time in a copy of the code and runs random
 * histories, without the corpus, until one breaks a promise. The share of the defects that are
 * found is the power of the simulation. A defect that is never found either does not change the
 * behaviour, or shows a gap in the search.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { Random } from '../random.ts'
import { pickMutations } from './mutations.ts'
import type { PlantedDefect } from './planted-defect.ts'
import { semanticDefects } from './semantic-defects.ts'

const root = resolve(import.meta.dirname, '../../..')
const NOT_COPIED = new Set(['.git', '.data', '.vercel', 'node_modules'])

/** One defect changes one file, so the programs share the compiled code of the others. */
const COMPILED = '.compiled'

/** A history takes a fraction of a second, so a search this long without one is endless. */
const LONGEST_SILENCE_MS = 600_000

interface Search {
  /** Only so many of the defects made by hand, drawn by the seed. */
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
  /** After this time no further defect is planted. */
  readonly minutes: number
  /** How many searches run at the same time. */
  readonly workers: number
}

type Found = { readonly after: number; readonly because: string } | null

interface Measured {
  readonly defect: PlantedDefect
  readonly found: Found
}

/** Returns how many defects no history has found, without those that none can find. */
export async function measurePower(search: Search): Promise<number> {
  const random = new Random(`power ${search.seed}`)
  const mutations = await pickMutations(root, search.mutations, random)
  const rules = random.sample(semanticDefects, search.rules)
  const chosen = [...rules, ...mutations].filter(({ what }) => what.includes(search.only))
  printHead('defect', 'found after', 'because')
  const measured: Measured[] = []
  const left = [...chosen]
  const end = performance.now() + search.minutes * 60_000
  const next = () => (performance.now() < end ? left.shift() : undefined)
  const measureRest = () =>
    inCopy(async (copy) => {
      for (let defect = next(); defect !== undefined; defect = next()) {
        const found = await withDefect(copy, defect, () => playHistories(copy, search))
        measured.push({ defect, found })
        printRow([
          defect.what,
          found === null ? 'never' : String(found.after),
          found?.because ?? defect.unseen ?? '',
        ])
      }
    })
  await Promise.all(Array.from({ length: search.workers }, measureRest))
  const inHistories = measured.filter(({ found }) => found !== null)
  const { histories, minutes } = search
  console.log(`\nfound within ${histories} histories: ${share(inHistories, measured)}`)
  if (left.length > 0) console.log(`not planted in ${minutes} minutes: ${left.length}`)
  if (search.withTests) await compareWithTests(measured)
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
  console.log(`\nof those that the tests find: ${share(byBoth, [...byTests])}`)
  console.log(`by the tests or the simulation: ${share(byAny, measured)}`)
}

const share = (part: readonly unknown[], whole: readonly unknown[]) =>
  `${part.length} of ${whole.length}`

function printHead(...columns: readonly string[]): void {
  printRow(columns)
  printRow(columns.map(() => '---'))
}

const printRow = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)

async function inCopy(work: (copy: string) => Promise<void>): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), 'power-'))
  try {
    const filter = (path: string) => !NOT_COPIED.has(relative(root, path))
    await cp(root, copy, { recursive: true, filter })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    await work(copy)
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
  const [, because] = /^(?:seed|corpus)[^:]*: (.*)$/m.exec(output) ?? []
  const [, count] = /^(\d+) histories/m.exec(output) ?? []
  if (because !== undefined) return { after: Number(count), because: shorten(because) }
  if (count !== undefined) return null
  // The search itself did not finish.
  return { after: 0, because: isStopped ? 'endless' : `does not run: ${shorten(lastLine(errors))}` }
}

/** Runs the tests of the same part first, because they find most. The simulation does not count. */
async function failTests(copy: string, { file }: PlantedDefect): Promise<boolean> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const options = ['--config', 'test/vitest.config.ts', '--bail', '1']
  const projects = ['--project', '!long', '--project', '!simulation']
  // A test of the list of defects: the planted one is no longer in the code.
  const others = ['--exclude', 'test/reliability.test.ts']
  const fails = async (...files: readonly string[]) =>
    (await run(copy, vitest, 'run', ...options, ...projects, ...others, ...files)).code !== 0
  return (await fails(dirname(file).replace('lib/', 'test/'))) || fails()
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

const lastLine = (output: string): string => output.trim().split('\n').at(-1) ?? ''

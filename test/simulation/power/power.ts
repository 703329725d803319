/**
 * `npm run simulate -- --power` plants one defect at a time in a copy of the code and runs random
 * histories, without the corpus, until one breaks a promise. The share of the defects that are
 * found is the power of the simulation. A defect that is never found either does not change the
 * behaviour, or shows a gap in the search.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { Random } from '../random.ts'
import { pickMutations } from './mutations.ts'
import type { PlantedDefect } from './planted-defect.ts'
import { semanticDefects } from './semantic-defects.ts'

const root = resolve(import.meta.dirname, '../../..')
const COPIED = ['api', 'lib', 'dev', 'test', 'package.json', 'tsconfig.json', 'vercel.json']

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
  readonly what: string
  readonly found: Found
  readonly tests: 'found' | 'not found' | null
}

/** How many defects were planted, and how many histories have found. */
export interface Power {
  readonly planted: number
  readonly found: number
}

export async function measurePower(search: Search): Promise<Power> {
  const random = new Random(`power ${search.seed}`)
  const mutations = await pickMutations(root, search.mutations, random)
  const rules = random.sample(semanticDefects, search.rules)
  const chosen = [...rules, ...mutations].filter(({ what }) => what.includes(search.only))
  const columns = ['defect', 'found after', 'because', ...(search.withTests ? ['tests'] : [])]
  printRow(columns)
  printRow(columns.map(() => '---'))
  const measured: Measured[] = []
  const left = [...chosen]
  const end = performance.now() + search.minutes * 60_000
  const next = () => (performance.now() < end ? left.shift() : undefined)
  const measureRest = () =>
    inCopy(async (copy) => {
      for (let defect = next(); defect !== undefined; defect = next()) {
        const one = await measure(copy, defect, search)
        measured.push(one)
        printRow(cellsOf(one))
      }
    })
  await Promise.all(Array.from({ length: search.workers }, measureRest))
  printSummary(measured, search)
  if (left.length > 0) console.log(`not planted in ${search.minutes} minutes: ${left.length}`)
  return { planted: measured.length, found: measured.filter(({ found }) => found !== null).length }
}

const printRow = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)

const cellsOf = ({ what, found, tests }: Measured): readonly string[] => [
  what,
  found === null ? 'never' : String(found.after),
  found?.because ?? '',
  ...(tests === null ? [] : [tests]),
]

function printSummary(measured: readonly Measured[], { histories, withTests }: Search): void {
  const share = (part: readonly Measured[], whole: readonly Measured[]) =>
    `${part.length} of ${whole.length}`
  const inHistories = measured.filter(({ found }) => found !== null)
  console.log(`\nfound within ${histories} histories: ${share(inHistories, measured)}`)
  if (!withTests) return
  const byTests = measured.filter(({ tests }) => tests === 'found')
  const byBoth = byTests.filter(({ found }) => found !== null)
  const byAny = measured.filter(({ found, tests }) => found !== null || tests === 'found')
  console.log(`of those that the tests find: ${share(byBoth, byTests)}`)
  console.log(`by the tests or the simulation: ${share(byAny, measured)}`)
}

async function inCopy(work: (copy: string) => Promise<void>): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), 'power-'))
  try {
    for (const part of COPIED) await cp(join(root, part), join(copy, part), { recursive: true })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    await work(copy)
  } finally {
    await rm(copy, { recursive: true })
  }
}

async function measure(copy: string, defect: PlantedDefect, search: Search): Promise<Measured> {
  const path = join(copy, defect.file)
  const before = await readFile(path, 'utf8')
  await writeFile(path, defect.plant(before))
  try {
    const found = await playHistories(copy, search)
    const tests = search.withTests ? await runTests(copy) : null
    return { what: defect.what, found, tests }
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

async function runTests(copy: string): Promise<'found' | 'not found'> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const project = ['--config', 'test/vitest.config.ts', '--project', '!long']
  const { code } = await run(copy, vitest, 'run', ...project, '--bail', '1')
  return code === 0 ? 'not found' : 'found'
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

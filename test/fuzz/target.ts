/** One kind of hostile input, what must hold for each of it, and how many of a run it was true for. */
import fc from 'fast-check'

/** What must never happen, in a sentence. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** What became of an input, for the table: `accepted`, `refused: doctype`, `401 not_signed_in`. */
export type Outcome = string

export interface Target<I> {
  readonly name: string
  readonly inputs: fc.Arbitrary<I>
  /** @throws Violation, or whatever the code under test throws, which is one too. */
  readonly judge: (input: I) => Outcome | Promise<Outcome>
  /** The input as a person can read and send it. */
  readonly print: (input: I) => string
  /** What must hold once all inputs have been judged. */
  readonly afterwards?: () => Promise<void>
}

export interface Found {
  readonly target: string
  /** Which input of the target's it was; null for what the whole run ended in. */
  readonly index: number | null
  readonly what: string
  readonly input: string
  /** The smallest input that does the same, as far as was found. */
  readonly smallest: string
}

export interface Report {
  readonly target: string
  readonly inputs: number
  readonly ms: number
  readonly slowestMs: number
  readonly outcomes: ReadonlyMap<Outcome, number>
  readonly found: readonly Found[]
}

export interface RunOptions {
  readonly seed: number
  readonly inputs: number
  /** Only this one of the inputs. */
  readonly only?: number | undefined
  readonly onProgress?: (done: number) => void
}

/** A target of any kind of input. */
export interface Runnable {
  readonly name: string
  readonly run: (options: RunOptions) => Promise<Report>
}

/** Of the thread's own time. No input may keep it busy for longer: everybody else's request waits behind it. */
const BUSY_MS = 400
const PROGRESS_EVERY = 500
const SHRINKS_AT_MOST = 300
const KINDS_AT_MOST = 5

export function runnable<I>(target: Target<I>): Runnable {
  return { name: target.name, run: (options) => run(target, options) }
}

async function run<I>(
  target: Target<I>,
  { seed, inputs, only, onProgress }: RunOptions,
): Promise<Report> {
  const startedAt = performance.now()
  const outcomes = new Map<Outcome, number>()
  let slowestMs = 0
  let done = 0
  const found: Found[] = []
  const keep = (one: Omit<Found, 'target'>) => void found.push({ target: target.name, ...one })
  const count = (outcome: Outcome) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  for (let index = only ?? 0; index < (only === undefined ? inputs : only + 1); index += 1) {
    const parameters = { seed: seedOf(seed, target.name, index), numRuns: 1 }
    const [input] = fc.sample(target.inputs, parameters)
    if (input === undefined) throw new Error('fast-check made no input')
    const began = busyMs()
    try {
      const outcome = target.judge(input)
      count(typeof outcome === 'string' ? outcome : await outcome)
    } catch (error) {
      const what = describe(error)
      count('VIOLATION')
      // One of a kind is enough to see what is wrong.
      if (found.every((other) => other.what !== what)) {
        const smallest = await shrink(target, input, what, parameters)
        keep({ index, what, input: target.print(input), smallest: target.print(smallest) })
      }
      if (found.length >= KINDS_AT_MOST) break
    }
    const ms = busyMs() - began
    done += 1
    if (ms > BUSY_MS)
      keep({
        index,
        what: `kept the thread busy for ${Math.round(ms)} ms`,
        input: target.print(input),
        smallest: '',
      })
    slowestMs = Math.max(slowestMs, ms)
    if (done % PROGRESS_EVERY === 0) {
      onProgress?.(PROGRESS_EVERY)
      // Timers and what works in the background get their turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  try {
    await target.afterwards?.()
  } catch (error) {
    keep({ index: null, what: describe(error), input: '', smallest: '' })
  }
  return {
    target: target.name,
    inputs: done,
    ms: Math.round(performance.now() - startedAt),
    slowestMs: Math.round(slowestMs),
    outcomes,
    found,
  }
}

const busyMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

const describe = (error: unknown): string =>
  error instanceof Violation
    ? error.message
    : `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`

/** Each input has a seed of its own, so that any one of a million can be made again by itself. */
function seedOf(seed: number, name: string, index: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  hash = Math.imul(hash ^ index, 0xc2b2ae35)
  return Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f) | 0
}

/** The same input made smaller for as long as it still breaks the rule in the same way. */
async function shrink<I>(
  target: Target<I>,
  input: I,
  what: string,
  parameters: fc.Parameters<[I]>,
): Promise<I> {
  let budget = SHRINKS_AT_MOST
  const stillHolds = fc.asyncProperty(target.inputs, async (smaller) => {
    budget -= 1
    if (budget < 0) return true
    try {
      await target.judge(smaller)
      return true
    } catch (error) {
      return describe(error) !== what
    }
  })
  const { counterexample } = await fc.check(stillHolds, parameters)
  return counterexample?.[0] ?? input
}

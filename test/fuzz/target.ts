/**
 * A target is one kind of hostile input with the check of each input. This file runs targets and
 * reports the outcomes.
 */
import fc from 'fast-check'

/** A broken rule, described in one sentence. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/**
 * The outcome of an input, counted in the printed table: `accepted`, `refused: doctype`, `401
 * not_signed_in`.
 */
export type Outcome = string

export interface Target<I> {
  readonly name: string
  readonly inputs: fc.Arbitrary<I>
  /** @throws Violation. An error thrown by the code under test counts as a violation too. */
  readonly check: (input: I) => Outcome | Promise<Outcome>
  /** Prints the input so that a person can read it and send it. */
  readonly print: (input: I) => string
  /** CPU time of the thread for one input. Default: 400. */
  readonly maxBusyMs?: number
  /** Checks what must hold after all inputs. */
  readonly afterwards?: () => Promise<void>
}

export interface Found {
  readonly target: string
  /** The index of the input; null for a violation found after all inputs. */
  readonly index: number | null
  readonly what: string
  readonly input: string
  /** The smallest input found that causes the same violation. */
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
  /** Runs only the input with this index. */
  readonly only?: number | undefined
  readonly onProgress?: (done: number) => void
}

/** A target without the type of its input. */
export interface Runnable {
  readonly name: string
  readonly run: (options: RunOptions) => Promise<Report>
}

/** An input that takes longer would delay every other request. */
const MAX_BUSY_MS = 400
const PROGRESS_EVERY = 500
const MAX_SHRINKS = 300
const MAX_VIOLATIONS = 5

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
    if (input === undefined) throw new Error('fast-check generated no input')
    const began = busyMs()
    try {
      const outcome = target.check(input)
      count(typeof outcome === 'string' ? outcome : await outcome)
    } catch (error) {
      const what = describe(error)
      count('VIOLATION')
      // Each kind of violation is reported once.
      if (found.every((other) => other.what !== what)) {
        const smallest = await shrink(target, input, what, parameters)
        keep({ index, what, input: target.print(input), smallest: target.print(smallest) })
      }
      if (found.length >= MAX_VIOLATIONS) break
    }
    const ms = busyMs() - began
    done += 1
    if (ms > (target.maxBusyMs ?? MAX_BUSY_MS))
      keep({
        index,
        what: `kept the thread busy for ${Math.round(ms)} ms`,
        input: target.print(input),
        smallest: '',
      })
    slowestMs = Math.max(slowestMs, ms)
    if (done % PROGRESS_EVERY === 0) {
      onProgress?.(PROGRESS_EVERY)
      // Lets timers and background work run.
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

/** Each input has its own seed, so that it can be generated again without the others. */
function seedOf(seed: number, name: string, index: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  hash = Math.imul(hash ^ index, 0xc2b2ae35)
  return Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f) | 0
}

/** Shrinks the input while it still causes the same violation. */
async function shrink<I>(
  target: Target<I>,
  input: I,
  what: string,
  parameters: fc.Parameters<[I]>,
): Promise<I> {
  let budget = MAX_SHRINKS
  const stillHolds = fc.asyncProperty(target.inputs, async (smaller) => {
    budget -= 1
    if (budget < 0) return true
    try {
      await target.check(smaller)
      return true
    } catch (error) {
      return describe(error) !== what
    }
  })
  const { counterexample } = await fc.check(stillHolds, parameters)
  return counterexample?.[0] ?? input
}

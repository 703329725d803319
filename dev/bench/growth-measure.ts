/** Asks every step on every ledger, in turns: heard out first, which is also the time to load, and then by the clock. */
import type { Pool } from 'pg'
import { dayOf, plusDays } from '../../lib/core/day.ts'
import { Unavailable } from '../../lib/core/failure.ts'
import type { World } from '../world/world.ts'
import type { Ledgers } from './growth-ledgers.ts'
import type { Explained } from './growth-plans.ts'
import {
  catchUpInVain,
  compareBill,
  createSteps,
  NotAnswered,
  type Measure,
} from './growth-steps.ts'
import type { Bench } from './part.ts'
import { median, takeTurns } from './rounds.ts'

export interface Ledger {
  readonly orders: number
  readonly pool: Pool
  /** The number of an order in its middle. */
  readonly half: string
  readonly bytes: number
}

export interface Cost {
  /** Undefined for what is not timed. */
  readonly ms: number | undefined
  readonly pages: number
  readonly statements: number
}

export interface Measured {
  readonly ledger: Ledger
  readonly steps: ReadonlyMap<string, Cost>
  readonly heard: readonly Explained[]
  /** Steps that at least once were not answered in time; to be explained as well takes its own time. */
  readonly unanswered: ReadonlySet<string>
}

/** @param openid a payer with a history. */
export async function measureGrowth(
  { isQuick, rounds, progress }: Bench,
  world: World,
  ledgers: Ledgers,
  stores: readonly Ledger[],
  openid: string,
): Promise<{ readonly measured: readonly Measured[]; readonly billRows: number }> {
  const steps = createSteps(world, openid)
  const day = plusDays(dayOf(new Date()), -1)
  let billRows = 0
  const walk = async ({ pool, half }: Ledger, measure: Measure) => {
    ledgers.use(pool)
    await steps.pay(measure)
    await steps.goOn(measure)
    await steps.list(measure, half)
  }
  const runCron = async ({ pool }: Ledger, measure: Measure) => {
    ledgers.use(pool)
    await steps.sweep(measure, pool)
    billRows = await compareBill(measure, pool, ledgers.endpoint, day)
  }
  const bySize = new Map(stores.map((ledger) => [String(ledger.orders), ledger]))
  const inTurns = async (turns: number, what: string, work: (ledger: Ledger) => Promise<void>) =>
    takeTurns([...bySize.keys()], turns, async (size, round) => {
      progress(
        `${what}, round ${round + 1} of ${turns}, ${Number(size).toLocaleString('en')} orders`,
      )
      const ledger = bySize.get(size)
      if (ledger !== undefined) await work(ledger)
      await world.settled()
    })

  const notes = new Map(
    stores.map((ledger) => [
      ledger,
      {
        ms: new Map<string, number[]>(),
        heard: new Map<string, Explained[][]>(),
        unanswered: new Set<string>(),
      },
    ]),
  )
  const listening =
    (ledger: Ledger): Measure =>
    async (step, work) => {
      await world.settled()
      const { heard, done } = await ledgers.listenIn(async () => {
        const answer = await answered(work)
        await world.settled()
        return answer
      })
      keep(notes.get(ledger)?.heard, step, [...heard])
      return done
    }
  const timing =
    (ledger: Ledger): Measure =>
    async (step, work) => {
      await world.settled()
      const startedAt = performance.now()
      const done = await answered(work)
      keep(notes.get(ledger)?.ms, step, performance.now() - startedAt)
      if (done === null) notes.get(ledger)?.unanswered.add(step)
      return done
    }

  await inTurns(isQuick ? 1 : 3, 'counting pages', async (ledger) => {
    await walk(ledger, listening(ledger))
    await runCron(ledger, listening(ledger))
  })
  await inTurns(rounds * (isQuick ? 1 : 3), 'timing', (ledger) => walk(ledger, timing(ledger)))
  await inTurns(rounds, 'timing cron', (ledger) => runCron(ledger, timing(ledger)))
  // Last and once, for it leaves many orders behind.
  await inTurns(1, 'counting pages of catching up', (ledger) => {
    ledgers.use(ledger.pool)
    return catchUpInVain(listening(ledger), ledger.pool, world.env)
  })

  const measured = [...notes].map(([ledger, { ms, heard, unanswered }]) => ({
    ledger,
    unanswered,
    heard: [...heard.values()].flat(2),
    steps: new Map([...heard].map(([step, turns]) => [step, toCost(turns, ms.get(step))])),
  }))
  return { measured, billRows }
}

async function answered<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof NotAnswered || error instanceof Unavailable) return null
    throw error
  }
}

const toCost = (
  turns: readonly (readonly Explained[])[],
  ms: readonly number[] | undefined,
): Cost => ({
  ms: ms === undefined ? undefined : median(ms),
  pages: median(turns.map((statements) => statements.reduce((sum, { pages }) => sum + pages, 0))),
  statements: median(turns.map(({ length }) => length)),
})

function keep<T>(notes: Map<string, T[]> | undefined, step: string, one: T): void {
  notes?.set(step, [...(notes.get(step) ?? []), one])
}

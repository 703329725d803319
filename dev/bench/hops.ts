/**
 * The time that a caller waits for: each step of a payment, with nothing and with 20 ms added to
 * every request to the database, Redis and WeChat. test/steps/round-trips.test.ts counts the
 * requests that follow one another.
 */
import { startWorld, type World } from '../world/world.ts'
import { median, takeTurns } from './measure.ts'
import type { Part } from './part.ts'
import { budgets, paymentSteps } from './payment-steps.ts'
import { postgresUrl, redisUrl, slowDown } from './servers.ts'
import type { Table } from './table.ts'

const ADDED_MS = 20

/** Milliseconds by step. */
type Walk = ReadonlyMap<string, number>

export const measure: Part = async ({ isQuick, rounds, progress, cleanups }) => {
  progress('starting a world')
  const world = await startWorld({ env: {}, postgresUrl, redisUrl })
  cleanups.add(world.stop)
  await world.simulator?.stop()
  progress('warming up')
  for (let walk = 0; walk < (isQuick ? 1 : 10); walk += 1) await walkThrough(world)

  // A walk is short, so there can be more of them.
  const turns = rounds * (isQuick ? 1 : 3)
  const [without, added] = ['with nothing added', `with ${ADDED_MS} ms added`]
  const walksOf = await takeTurns([without, added], turns, (turn, round) => {
    progress(`round ${round + 1} of ${turns}, ${turn}`)
    slowDown(world, turn === without ? 0 : ADDED_MS)
    return walkThrough(world)
  })
  const timeIn = (turn: string) => (step: string) =>
    median(walksOf(turn).map((walk) => walk.get(step) ?? NaN))
  return toTable(timeIn(without), timeIn(added))
}

/** Takes one payment through all steps, while nothing else runs. */
async function walkThrough(world: World): Promise<Walk> {
  const walk = new Map<string, number>()
  const steps = paymentSteps(world)
  for (let next = await steps.next(); next.done !== true;) {
    const { name, request } = next.value
    await world.settled()
    const startedAt = performance.now()
    const answer = await fetch(request)
    const body = await answer.bytes()
    walk.set(name, performance.now() - startedAt)
    next = await steps.next(new Response(body, answer))
  }
  return walk
}

function toTable(timeWithout: (step: string) => number, timeWith: (step: string) => number): Table {
  const measured = budgets.map(([step, budget]) => {
    const [without, slowed] = [timeWithout(step), timeWith(step)]
    return { step, budget, without, slowed, waits: (slowed - without) / ADDED_MS }
  })
  return {
    title: 'Hops',
    about:
      'A hop is a request to the database, Redis or WeChat that the caller has to wait for. Parallel ' +
      `requests count once. Each step of a payment ran with and without ${ADDED_MS} ms added to every ` +
      `such request. Its time with them, divided by ${ADDED_MS} ms, is its hops and a little for ` +
      'everything else. The difference between both times is its hops alone.',
    columns: ['step', 'budget', `time ÷ ${ADDED_MS} ms`, `longer ÷ ${ADDED_MS} ms`, 'without'],
    rows: measured.map(({ step, budget, without, slowed, waits }) => [
      step,
      String(budget),
      (slowed / ADDED_MS).toFixed(2),
      waits.toFixed(2),
      `${without.toFixed(1)} ms`,
    ]),
    notes: [
      'The database, Redis and WeChat are stand-ins in the same process, so both times include their work.',
    ],
    plot: {
      title: `Hops: the time of each step, in requests of ${ADDED_MS} ms`,
      unit: `÷ ${ADDED_MS} ms`,
      scale: 'linear',
      series: ['longer with them', 'the whole time', 'budget'],
      limit: 'budget',
      rows: measured.map(({ step, budget, slowed, waits }) => ({
        label: step,
        marks: [
          { series: 'longer with them', value: waits },
          { series: 'the whole time', value: slowed / ADDED_MS },
          { series: 'budget', value: budget },
        ],
      })),
    },
    missed: measured
      // Timers are late and never early. Half a request more is a request more.
      .filter(({ budget, waits }) => waits > budget + 0.5)
      .map(
        ({ step, budget, waits }) =>
          `${step} waits for ${waits.toFixed(1)} requests, and its budget is ${budget}`,
      ),
  }
}

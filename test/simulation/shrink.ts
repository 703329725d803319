/** Shrinks a failing history to a smaller one that still fails, and traces a history. */
import fc from 'fast-check'
import { CALM } from './history.ts'
import { anyHistory, historyOf } from './workloads.ts'
import { runHistory } from './run-history.ts'
import { World } from './world.ts'

/** Long enough to find a small history, short enough to wait for. */
const SHRINK_SECONDS = 60

export async function shrink(seed: number): Promise<string> {
  const world = await World.open()
  await runHistory(world, CALM)
  // `process.uptime` is the only real clock: the world replaces all others.
  const end = process.uptime() + SHRINK_SECONDS
  const run = await fc.check(
    fc.asyncProperty(anyHistory, async (history) => {
      if (process.uptime() > end) return true
      return (await runHistory(world, history)).length === 0
    }),
    { seed, numRuns: 1 },
  )
  const [smallest] = run.counterexample ?? []
  const problems = smallest === undefined ? [] : await runHistory(world, smallest)
  await world.close()
  if (smallest === undefined) return 'It did not fail again.'
  return [
    `Smaller, after ${run.numShrinks} steps. As a test for test/simulation/corpus.ts:`,
    `[${JSON.stringify(problems[0] ?? '')}, ${JSON.stringify(smallest)}],`,
    ...problems,
  ].join('\n')
}

/** Returns every message and every log line of one history. */
export async function trace(seed: number): Promise<string> {
  const world = await World.open({ isTraced: true })
  await runHistory(world, CALM)
  const history = historyOf(seed)
  const problems = await runHistory(world, history)
  const lines = [
    JSON.stringify(history, null, 1),
    ...world.record.trace,
    ...world.record.logs,
    ...problems,
  ]
  await world.close()
  return `${lines.join('\n')}\n`
}

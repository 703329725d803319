/** What is left of a failing history when everything is taken out that it fails without. */
import fc from 'fast-check'
import { anyHistory, CALM, historyOf } from './history.ts'
import { play } from './play.ts'
import { World } from './world.ts'

/** Long enough for a small one to be found, short enough to be waited for. */
const SHRINK_SECONDS = 60

export async function shrink(seed: number): Promise<string> {
  const world = await World.open()
  await play(world, CALM)
  // The process's own clock: every other one is the world's.
  const end = process.uptime() + SHRINK_SECONDS
  const run = await fc.check(
    fc.asyncProperty(anyHistory, async (history) => {
      if (process.uptime() > end) return true
      return (await play(world, history)).length === 0
    }),
    { seed, numRuns: 1 },
  )
  const [smallest] = run.counterexample ?? []
  const problems = smallest === undefined ? [] : await play(world, smallest)
  await world.close()
  return smallest === undefined
    ? 'It did not fail again.'
    : `Smaller, after ${run.numShrinks} steps:\n${JSON.stringify(smallest, null, 1)}\n${problems.join('\n')}`
}

/** Every message of one history, and every log line. */
export async function trace(seed: number): Promise<string> {
  const world = await World.open({ isTraced: true })
  await play(world, CALM)
  const history = historyOf(seed)
  const problems = await play(world, history)
  const lines = [
    JSON.stringify(history, null, 1),
    ...world.record.trace,
    ...world.record.logs,
    ...problems,
  ]
  await world.close()
  return `${lines.join('\n')}\n`
}

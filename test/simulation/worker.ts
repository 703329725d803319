/** One thread of the search: runs the given histories and reports the result of each. */
import { parentPort, workerData } from 'node:worker_threads'
import * as v from 'valibot'
import { corpus } from './corpus.ts'
import { CALM, type History } from './history.ts'
import { historyOf } from './workloads.ts'
import { runHistory } from './run-history.ts'
import { World } from './world.ts'

const task = v.object({
  from: v.number(),
  count: v.number(),
  playsCorpus: v.boolean(),
  /** Not 0 once the search is over. */
  stop: v.instance(Int32Array),
})
const { from, count, playsCorpus, stop } = v.parse(task, workerData)
const world = await World.open()
await runHistory(world, CALM)
const play = async (name: string, seed: number | null, history: History) => {
  if (Atomics.load(stop, 0) !== 0) return
  const problems = await runHistory(world, history)
  parentPort?.postMessage({ name, seed, problems, counts: [...world.record.counts] })
}
if (playsCorpus)
  for (const [fault, history] of corpus) await play(`corpus, ${fault}`, null, history)
for (let seed = from; seed < from + count; seed += 1)
  await play(`seed ${seed}`, seed, historyOf(seed))
await world.close()

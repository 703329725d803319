/** One thread of the search: runs the given histories and reports the result of each. */
import { parentPort, workerData } from 'node:worker_threads'
import * as v from 'valibot'
import { CALM, historyOf } from './history.ts'
import { runHistory } from './run-history.ts'
import { World } from './world.ts'

const { from, count } = v.parse(v.object({ from: v.number(), count: v.number() }), workerData)
const world = await World.open()
await runHistory(world, CALM)
for (let seed = from; seed < from + count; seed += 1) {
  const problems = await runHistory(world, historyOf(seed))
  parentPort?.postMessage({ seed, problems, counts: [...world.record.counts] })
}
await world.close()

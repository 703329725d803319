/** One thread of the search: plays the histories it is given and reports each. */
import { parentPort, workerData } from 'node:worker_threads'
import * as v from 'valibot'
import { CALM, historyOf } from './history.ts'
import { play } from './play.ts'
import { World } from './world.ts'

const { from, count } = v.parse(v.object({ from: v.number(), count: v.number() }), workerData)
const world = await World.open()
await play(world, CALM)
for (let seed = from; seed < from + count; seed += 1) {
  const problems = await play(world, historyOf(seed))
  parentPort?.postMessage({ seed, problems, met: [...world.record.met] })
}
await world.close()

/**
 * The process of one part, started by bench.ts: `node dev/bench/run-part.ts hops quick`. Sends its
 * table to its parent. On an error, a signal or the end of its parent it stops what it started.
 */
import * as v from 'valibot'
import { explain } from '../program/plain-error.ts'
import { Cleanups } from '../world/cleanups.ts'
import { partNames, type Part, type PartName } from './part.ts'

/** Only the part that runs is loaded, so that no part is measured among the modules of another. */
const parts: Readonly<Record<PartName, () => Promise<{ readonly measure: Part }>>> = {
  hops: () => import('./hops.ts'),
  'round-trips': () => import('./round-trips.ts'),
  commands: () => import('./commands.ts'),
  'cold-start': () => import('./cold-start.ts'),
  messages: () => import('./messages.ts'),
  'messages-v3': () => import('./messages-v3.ts'),
  load: () => import('./load.ts'),
  growth: () => import('./growth.ts'),
  memory: () => import('./memory.ts'),
  bill: () => import('./bill.ts'),
}

const name = v.parse(v.picklist(partNames), process.argv[2])
const isQuick = process.argv[3] === 'quick'
const [ROUNDS, QUICK_ROUNDS] = [7, 2]

const cleanups = new Cleanups()
let isEnding = false
function end(code: number): void {
  isEnding = true
  void cleanups.run().finally(() => process.exit(code))
}
process.on('SIGHUP', () => end(129))
process.on('SIGINT', () => end(130))
process.on('SIGTERM', () => end(143))
process.on('disconnect', () => end(1))

let shown = ''
/**
 * Rewrites one line of a terminal, and prints one line each to a log. An empty text clears the
 * line.
 */
function show(text: string): void {
  if (text === shown) return
  shown = text
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`)
  else if (text !== '') process.stderr.write(`${text}\n`)
}

try {
  const { measure } = await parts[name]()
  const table = await measure({
    isQuick,
    rounds: isQuick ? QUICK_ROUNDS : ROUNDS,
    progress: (text) => show(`${name}: ${text}`),
    cleanups,
  })
  show('')
  await new Promise<void>((sent) => process.send?.(table, () => sent()))
  end(0)
} catch (error) {
  // While everything is being stopped, errors are expected.
  if (!isEnding) {
    show('')
    process.stderr.write(`${explain(error)}\n`)
    end(1)
  }
}

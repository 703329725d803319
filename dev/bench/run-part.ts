/**
 * The process one part runs in: `node dev/bench/run-part.ts hops quick`, started by bench.ts and told nothing else. Hands its
 * table to its parent. What it started is stopped whatever happens: an error, Ctrl-C, a parent that is gone.
 */
import { Cleanups } from '../world/cleanups.ts'
import { explain } from '../program/plain-error.ts'
import { parts } from './parts.ts'
import { showProgress } from './progress.ts'

const [name = '', quick] = process.argv.slice(2)
const ROUNDS = 7
const QUICK_ROUNDS = 2

const cleanups = new Cleanups()
let isEnding = false
const give = (code: number) => {
  isEnding = true
  void cleanups.run().finally(() => process.exit(code))
}
process.on('SIGHUP', () => give(129))
process.on('SIGINT', () => give(130))
process.on('SIGTERM', () => give(143))
process.on('disconnect', () => give(1))

async function run(): Promise<number> {
  const part = await parts[name]?.()
  if (part === undefined) return 2
  const isQuick = quick === 'quick'
  const table = await part.measure({
    isQuick,
    rounds: isQuick ? QUICK_ROUNDS : ROUNDS,
    progress: (text) => showProgress(`${name}: ${text}`),
    cleanups,
  })
  showProgress('')
  await new Promise<void>((sent) => process.send?.(table, () => sent()))
  return 0
}

run().then(give, (error: unknown) => {
  // What fails because everything is being stopped is no failure.
  if (isEnding) return
  showProgress('')
  process.stderr.write(`${explain(error)}\n`)
  give(1)
})

/**
 * `npm run bench`: measures the hops, the time and the memory of the project, beside what people
 * use today. Prints each table as soon as it is measured, and writes all of them to
 * docs/performance.md and docs/performance.svg.
 *
 * `--only hops,messages` measures these parts and leaves the others as they were. `--quick` only
 * shows that everything works: it judges nothing and writes nothing. Otherwise a missed aim is a
 * failure.
 *
 * `TEST_DATABASE_URL` and `TEST_REDIS_URL` name a real PostgreSQL and Redis to measure on, as in
 * `npm run test:real`.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { readOptions } from '../program/command-line.ts'
import { whenOrphaned } from '../program/orphaned.ts'
import { explain } from '../program/plain-error.ts'
import { findResult, storeResult, writePage } from './page.ts'
import { partNames } from './part.ts'
import { tableSchema, toMarkdown, type Table } from './table.ts'

const USAGE = `npm run bench [-- [--only ${partNames.join(',')}] [--quick]]`
const { only, quick } = readOptions(USAGE, {
  only: { type: 'string' },
  quick: { type: 'boolean', default: false },
})
const chosen = v.safeParse(v.array(v.picklist(partNames)), only?.split(',') ?? partNames)
if (!chosen.success) {
  console.error(`Usage: ${USAGE}`)
  process.exit(2)
}

let isStopped = false
let running: ChildProcess | undefined
// A part cleans up and exits when it is disconnected.
const stop = () => {
  isStopped = true
  if (running?.connected === true) running.disconnect()
}
process.on('SIGHUP', stop).on('SIGINT', stop).on('SIGTERM', stop)
whenOrphaned(stop)

/** Undefined if the part failed. It has printed why. */
function measure(name: string): Promise<Table | undefined> {
  const args = [name, ...(quick ? ['quick'] : [])]
  const child = fork(join(import.meta.dirname, 'run-part.ts'), args, {
    // Its standard output is the log of the functions.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  running = child
  let table: Table | undefined
  child.on('message', (message) => {
    table = v.parse(tableSchema, message)
  })
  return new Promise((resolve, reject) =>
    child.once('error', reject).once('exit', () => resolve(table)),
  )
}

function print(table: Table): void {
  console.log(`\n${table.title}\n\n${toMarkdown(table)}`)
  for (const note of table.notes) console.log(`  ${note}`)
  for (const aim of table.missed) console.log(`  ${quick ? 'not judged' : 'MISSED'}: ${aim}`)
}

const measured = `on ${new Date().toISOString().slice(0, 16).replace('T', ' at ')} UTC, on ${availableParallelism()} cores (${process.platform} ${process.arch}), with Node ${process.version.slice(1)}`
const failed: string[] = []
for (const name of chosen.output) {
  if (isStopped) break
  const table = await measure(name)
  if (table !== undefined) {
    print(table)
    if (!quick) await storeResult(name, { measured, table })
  }
  if (table === undefined || (table.missed.length > 0 && !quick)) failed.push(name)
}
if (!isStopped && !quick) await writeDocs()
if (failed.length > 0) console.log(`\nbench: not as it should be: ${failed.join(', ')}`)
process.exitCode = isStopped ? 130 : failed.length > 0 ? 1 : 0

async function writeDocs(): Promise<void> {
  const results = await Promise.all(partNames.map(findResult))
  const missing = partNames.filter((_, at) => results[at] === undefined)
  if (missing.length > 0) {
    console.log(
      `\nbench: docs/performance.md is left as it was: there are no figures yet of ${missing.join(', ')}.`,
    )
    return
  }
  try {
    await writePage(results.flatMap((result) => result ?? []))
    console.log('\nbench: the figures are in docs/performance.md and docs/performance.svg')
  } catch (error) {
    console.error(explain(error))
    failed.push('docs')
  }
}

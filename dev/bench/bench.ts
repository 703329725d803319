/**
 * `npm run bench`: what the project costs in waits, time and memory, beside what people use today. Prints each table as soon
 * as it is measured, and leaves all of them in docs/performance.md and docs/performance.svg.
 *
 * `--only hops,messages` measures these again and leaves the others as they were; `--quick` only shows that everything
 * works: it judges nothing and leaves nothing. Otherwise a missed aim is a failure.
 *
 * `TEST_DATABASE_URL` and `TEST_REDIS_URL` name a real PostgreSQL and Redis to measure on, as in `npm run test:real`.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { readOptions } from '../program/command-line.ts'
import { whenOrphaned } from '../program/orphaned.ts'
import { explain } from '../program/plain-error.ts'
import { writePage } from './page.ts'
import { parts } from './parts.ts'
import { findResult, keepResult } from './results.ts'
import { tableSchema, toMarkdown, type Table } from './table.ts'

const everyName = Object.keys(parts)
const USAGE = `npm run bench [-- [--only ${everyName.join(',')}] [--quick]]`
const values = readOptions(USAGE, {
  only: { type: 'string' },
  quick: { type: 'boolean', default: false },
})
const names = values.only?.split(',') ?? everyName
if (!names.every((name) => everyName.includes(name))) {
  console.error(`Usage: ${USAGE}`)
  process.exit(2)
}

let isStopped = false
let running: ChildProcess | undefined
// A part nobody listens to any more cleans up and ends.
const stop = () => {
  isStopped = true
  if (running?.connected === true) running.disconnect()
}
process.on('SIGHUP', stop).on('SIGINT', stop).on('SIGTERM', stop)
whenOrphaned(stop)

/** Undefined when the part came to no table; why, it has said itself. */
function measure(name: string): Promise<Table | undefined> {
  const child = fork(
    join(import.meta.dirname, 'run-part.ts'),
    [name, ...(values.quick ? ['quick'] : [])],
    {
      // Its output is the functions' log.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )
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
  for (const aim of table.missed) console.log(`  ${values.quick ? 'not judged' : 'MISSED'}: ${aim}`)
}

const measured = `on ${new Date().toISOString().slice(0, 16).replace('T', ' at ')} UTC, on ${availableParallelism()} cores (${process.platform} ${process.arch}), with Node ${process.version.slice(1)}`
const failed: string[] = []
for (const name of names) {
  if (isStopped) break
  const table = await measure(name)
  if (table !== undefined) {
    print(table)
    if (!values.quick) await keepResult(name, { measured, table })
  }
  if (table === undefined || (table.missed.length > 0 && !values.quick)) failed.push(name)
}
if (!isStopped && !values.quick) await leavePage()
if (failed.length > 0) console.log(`\nbench: not as it should be: ${failed.join(', ')}`)
process.exitCode = isStopped ? 130 : failed.length > 0 ? 1 : 0

async function leavePage(): Promise<void> {
  const found = await Promise.all(
    everyName.map(async (name) => ({ name, result: await findResult(name) })),
  )
  const lacking = found.filter(({ result }) => result === undefined).map(({ name }) => name)
  if (lacking.length > 0) {
    console.log(
      `\nbench: docs/performance.md is left as it was: there are no figures yet of ${lacking.join(', ')}.`,
    )
    return
  }
  await writePage(found.flatMap(({ result }) => result ?? [])).then(
    () => console.log('\nbench: the figures are in docs/performance.md and docs/performance.svg'),
    (error: unknown) => {
      console.error(explain(error))
      failed.push('docs')
    },
  )
}

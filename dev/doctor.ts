/** `npm run doctor`: checks each part of the configuration, without moving money. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { readOptions } from './program/command-line.ts'
import { isSet } from './doctor/check.ts'
import { checks } from './doctor/checks.ts'
import { diagnose, registerOnly } from './doctor/diagnose.ts'
import { findNearMisses } from './doctor/near-misses.ts'
import { readEnvironment } from './doctor/read-environment.ts'
import { render, renderChecklist } from './doctor/render.ts'
import { explain, PlainError } from './program/plain-error.ts'

const USAGE = `npm run doctor [-- [--env-file FILE] [--json] [--register PAGE]]

Tests the configuration, part by part, against the real services. No money moves.

  --env-file FILE   reads only that file, such as .env.production.local. Without it doctor reads .env,
                    .env.local and the shell, whose values take precedence
  --json            prints one JSON document, for programs
  --register PAGE   makes WeChat open this page of the Mini Program (pages/order/order) for an order.
                    With APIv3 it also sets the URL for notifications of complaints. It reports which
                    settings were made, and tests nothing else
  --help            prints this text

The exit code is 0 if nothing is wrong, and 1 if an item is wrong.`

/** A service that works answers within this time, even from another continent. */
const LIMIT_MS = 8_000

/** Vercel's default if vercel.json names no region. */
const vercelJson = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    regions: v.optional(v.array(v.string()), ['iad1']),
    crons: v.optional(v.array(v.object({ schedule: v.string() })), []),
  }),
)

async function run(): Promise<number> {
  const options = readOptions(USAGE, {
    json: { type: 'boolean', default: false },
    'env-file': { type: 'string' },
    register: { type: 'string' },
  })
  const source = readEnvironment(process.env, process.cwd(), options['env-file'])
  const { env, from } = source
  const odd = [...source.odd, ...findNearMisses(env)]
  const { regions, crons } = v.parse(
    vercelJson,
    readFileSync(resolve(import.meta.dirname, '../vercel.json'), 'utf8'),
  )
  const isEmpty = !checks.some(({ settings }) =>
    settings.some(({ names }) => names.some((name) => isSet(env, name))),
  )
  const page = {
    columns: process.stdout.columns ?? 100,
    colour: process.stdout.isTTY && !isSet(process.env, 'NO_COLOR'),
  }
  if (isEmpty && !options.json) {
    console.log(renderChecklist({ from, odd }, page))
    return 1
  }
  const patient = {
    env,
    now: new Date(),
    limitMs: LIMIT_MS,
    regions,
    crons: crons.map((cron) => cron.schedule),
  }
  const diagnosis =
    options.register === undefined
      ? await diagnose(patient)
      : await registerOnly(patient, readPage(options.register))
  const ok = diagnosis.findings.every(({ status }) => status !== 'wrong')
  console.log(
    options.json
      ? JSON.stringify({ ok, read: from, odd, ...diagnosis }, null, 2)
      : render(diagnosis, { from, odd }, page),
  )
  return ok ? 0 : 1
}

/** A page of the Mini Program, as in its app.json. */
function readPage(page: string): string {
  if (/^[\w-]+(?:\/[\w-]+)+$/.test(page)) return page
  throw new PlainError(
    '--register takes a page as in app.json, without a slash before it and without a query: pages/order/order',
  )
}

try {
  process.exitCode = await run()
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}

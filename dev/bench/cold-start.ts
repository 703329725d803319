/**
 * The time of a cold start until the first answer: each built function in a process of its own,
 * from the start of Node to the end of an answer, beside a function that does nothing.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { buildFunctions, packFromSources, writeFunction } from '../build/build-functions.ts'
import { demoDatabase, demoRedisToken, demoValues } from '../world/demo-values.ts'
import { median, takeTurns } from './measure.ts'
import type { Part } from './part.ts'
import type { Table } from './table.ts'

/** The limit for notify, as a multiple of the empty function. */
const MOST_TIMES = 1.27
const MOST_BYTES = 350_000

/** Processes vary more than loops, so each round starts several. */
const PER_ROUND = 3

const [EMPTY, NOTIFY, CACHED, FROM_SOURCES] = [
  'an empty function',
  'notify',
  'notify, with its bytecode',
  'notify, packed from its sources',
]

interface Candidate {
  readonly label: string
  /** The file to load. */
  readonly handler: string
  /** The directory of Node's cache of bytecode. */
  readonly bytecode?: string
  readonly files: number
  readonly compressedBytes: number
}

export const measure: Part = async ({ rounds, progress, cleanups }) => {
  progress('building')
  const directory = await mkdtemp(join(tmpdir(), 'cold-start-'))
  cleanups.add(() => rm(directory, { recursive: true, force: true }))
  const candidates = await build(directory)
  for (const candidate of candidates)
    if (candidate.bytecode !== undefined) await answerOnce(candidate)
  const loads = new Map<Candidate, number[]>(candidates.map((candidate) => [candidate, []]))
  const took = await takeTurns(candidates, rounds * PER_ROUND, async (candidate, round) => {
    progress(`round ${Math.floor(round / PER_ROUND) + 1} of ${rounds}, ${candidate.label}`)
    const { loaded, answered } = await answerOnce(candidate)
    loads.get(candidate)?.push(loaded)
    return answered
  })
  return toTable(
    candidates.map((candidate) => ({
      ...candidate,
      ms: median(took(candidate)),
      loadMs: median(loads.get(candidate) ?? []),
    })),
  )
}

async function build(directory: string): Promise<readonly Candidate[]> {
  const empty = join(directory, 'empty')
  await mkdir(empty)
  await writeFile(join(empty, 'package.json'), '{"type":"module"}')
  await writeFile(
    join(empty, 'function.js'),
    `export default { fetch: async () => new Response('ok') }\n`,
  )
  const functions = (await buildFunctions()).map((built) => ({
    label: basename(built.source, '.ts'),
    built,
  }))
  const packed = [
    ...functions,
    ...functions
      .filter(({ label }) => label === NOTIFY)
      .map((notify) => ({ ...notify, label: CACHED, bytecode: join(directory, 'bytecode') })),
    { label: FROM_SOURCES, built: await packFromSources('api/notify.ts') },
  ]
  return [
    { label: EMPTY, handler: join(empty, 'function.js'), files: 2, compressedBytes: 0 },
    ...(await Promise.all(
      packed.map(async ({ label, built, ...more }, at) => ({
        label,
        handler: await writeFunction(built, join(directory, String(at))),
        files: built.files.length,
        compressedBytes: built.compressedBytes,
        ...more,
      })),
    )),
  ]
}

/**
 * Loads the function and sends it a request that it refuses without its services. Every platform
 * loads the HTTP server before it loads a function.
 */
const PROGRAM = [
  `import 'node:http'`,
  `const [url, name] = process.argv.slice(1)`,
  `const notification = { method: 'POST', body: '<xml><return_code>SUCCESS</return_code></xml>' }`,
  `const ask = name === 'notify' ? notification : { method: 'PATCH' }`,
  `const { default: handler } = await import(url)`,
  `const loaded = performance.now()`,
  `await (await handler.fetch(new Request('https://shop.example/api/' + name, ask))).text()`,
  `process.stdout.write('\\n' + JSON.stringify({ loaded, answered: performance.now() }))`,
].join('\n')

/** Complete, so that a function runs as far as it can without its services. */
const env = {
  ...demoValues,
  DATABASE_URL: demoDatabase,
  UPSTASH_REDIS_REST_URL: 'https://redis.example',
  UPSTASH_REDIS_REST_TOKEN: demoRedisToken,
  PUBLIC_URL: 'https://shop.example',
}

/** The milliseconds since the start of the process. */
const moments = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ loaded: v.number(), answered: v.number() }),
)

async function answerOnce({
  handler,
  label,
  bytecode,
}: Candidate): Promise<v.InferOutput<typeof moments>> {
  const [name = ''] = label.split(',')
  const { stdout } = await run(
    process.execPath,
    ['--input-type=module', '--eval', PROGRAM, pathToFileURL(handler).href, name],
    {
      env: {
        ...env,
        ...(bytecode === undefined ? {} : { NODE_COMPILE_CACHE: bytecode }),
        // Node on Windows does not start without it.
        SystemRoot: process.env['SystemRoot'],
      },
    },
  )
  // The function's log line comes first.
  return v.parse(moments, stdout.split('\n').at(-1))
}

const run = promisify(execFile)

interface Timed extends Candidate {
  /** From the start of the process to the end of the first answer. */
  readonly ms: number
  /** The part of it until the function is loaded. */
  readonly loadMs: number
}

function toTable(times: readonly Timed[]): Table {
  const empty = times.find(({ label }) => label === EMPTY)?.ms ?? NaN
  const mostMs = (MOST_TIMES - 1) * empty
  const measured = times.map((one) => ({ ...one, more: one.ms - empty }))
  const others: readonly string[] = [EMPTY, CACHED, FROM_SOURCES]
  const shipped = measured.filter(({ label }) => !others.includes(label))
  return {
    title: 'Cold start',
    about:
      'Each function as it is deployed, in a fresh process. The time is from the start of Node to the ' +
      'end of the first answer. That answer is a refusal, so that it depends on no other service. On ' +
      'disk is the size of the function as a zip, with the libraries that it loads only when it needs ' +
      `them and the map of its sources. The aims: notify at most ${MOST_TIMES} times the empty ` +
      `function, and each function below ${MOST_BYTES / 1_000} kB.`,
    columns: ['', 'to the first answer', '× empty', 'more than empty', 'files', 'on disk'],
    rows: measured.map(({ label, ms, more, files, compressedBytes }) => [
      label,
      `${ms.toFixed(0)} ms`,
      (ms / empty).toFixed(2),
      label === EMPTY ? '' : `${more.toFixed(1)} ms`,
      String(files),
      `${(compressedBytes / 1_000).toFixed(0)} kB`,
    ]),
    notes: [
      'The row with bytecode is a start with Node’s cache of compiled code. Vercel has such a cache for functions in ' +
        'production, so it shows a usual start there. The row “notify” shows the first start after a deployment.',
      partsOfNotify(times),
      'These times do not include the XML parser, ofetch, the drivers and their connections: a message in the usual ' +
        'form needs no parser, and the connections are opened after a refusal is sent.',
      'The last row is the output of the builder alone for the same code.',
      'The ratio depends on how fast the machine starts a process: on one where the empty function took 50 ms, ' +
        'notify took 18.1 ms more, which is 1.36 times as long.',
    ],
    plot: {
      title: 'Cold start: more than an empty function, to the first answer',
      unit: 'ms',
      scale: 'linear',
      series: ['more than empty', 'aim for notify'],
      limit: 'aim for notify',
      rows: [...shipped, ...measured.filter(({ label }) => label === FROM_SOURCES)].map(
        ({ label, more }) => ({
          label,
          marks: [
            { series: 'more than empty', value: more },
            ...(label === NOTIFY ? [{ series: 'aim for notify', value: mostMs }] : []),
          ],
        }),
      ),
    },
    missed: shipped.flatMap(({ label, more, compressedBytes }) => [
      ...(label === NOTIFY && more > mostMs
        ? [
            `${label} takes ${(more / empty + 1).toFixed(2)} times an empty function, with a limit of ${MOST_TIMES}`,
          ]
        : []),
      ...(compressedBytes > MOST_BYTES
        ? [
            `${label} weighs ${(compressedBytes / 1_000).toFixed(0)} kB, with a limit of ${MOST_BYTES / 1_000} kB`,
          ]
        : []),
    ]),
  }
}

/** Names the parts of the time of notify that an empty function does not need. */
function partsOfNotify(times: readonly Timed[]): string {
  const find = (label: string) => times.find((one) => one.label === label)
  const [empty, notify, cached] = [find(EMPTY), find(NOTIFY), find(CACHED)]
  if (empty === undefined || notify === undefined || cached === undefined) return ''
  const compiling = notify.loadMs - cached.loadMs
  const running = cached.loadMs - empty.loadMs
  const requestMs = ({ ms, loadMs }: Timed) => ms - loadMs
  const request = requestMs(notify) - requestMs(empty)
  return (
    `Beyond an empty function, notify needs ${compiling.toFixed(1)} ms to compile our code and valibot (not with ` +
    `bytecode), ${running.toFixed(1)} ms to read and run both once, and ${request.toFixed(1)} ms for the request. ` +
    'The request reads the variables, loads the code of the protocol, checks the message, and writes the log line.'
  )
}

/**
 * A bill of a million rows against a ledger of a million rows: rows per second, and the most memory the comparing process
 * ever had, Node itself and all. Bill and ledger are in processes of their own, so that only the comparing is measured.
 *
 * Its heap is limited as a small function's is, for V8 leaves garbage lying as long as the machine has memory to spare: what
 * is to be known is what the comparing needs.
 *
 * `node dev/bench/bill.ts [rows]`, with `TEST_DATABASE_URL` for a real PostgreSQL. Fails only when the memory is exceeded,
 * or when the comparison did not find exactly what differs.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import * as v from 'valibot'
import { demoDatabase, demoRedisToken, demoValues } from '../demo-values.ts'
import { toRefunds, WRONG_EVERY } from './bill-day.ts'

const MOST_BYTES = 200_000_000
const HEAP_MB = 96

const rows = Number(process.argv[2] ?? 1_000_000)
const payments = rows - toRefunds(rows)
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

/** Starts a process of this directory, its own log left out. */
const start = (file: string, env: Readonly<Record<string, string>> = {}, execArgv: readonly string[] = []): ChildProcess =>
  fork(join(import.meta.dirname, file), [String(rows)], {
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })

async function hear<S extends v.GenericSchema>(child: ChildProcess, schema: S): Promise<v.InferOutput<S>> {
  const died = once(child, 'exit').then(() => Promise.reject(new Error('a process of the benchmark ended early')))
  const received: unknown[] = await Promise.race([once(child, 'message'), died])
  died.catch(() => undefined)
  return v.parse(schema, received[0])
}

const ledger = start('bill-ledger.ts')
const server = start('bill-server.ts')
try {
  const [{ endpoint, kind }, { url, bytes }] = await Promise.all([
    hear(ledger, v.object({ endpoint: v.string(), kind: v.string() })),
    hear(server, v.object({ url: v.string(), bytes: v.number() })),
  ])
  const comparerEnv = {
    ...demoValues,
    WECHAT_PAY_URL: url,
    WECHAT_API_URL: url,
    DATABASE_URL: demoDatabase,
    NEON_HTTP_ENDPOINT: endpoint,
    UPSTASH_REDIS_REST_URL: url,
    UPSTASH_REDIS_REST_TOKEN: demoRedisToken,
    PUBLIC_URL: url,
    ORDER_WEBHOOK_URL: '',
  }
  const comparer = start('bill-comparer.ts', comparerEnv, [`--max-heap-size=${HEAP_MB}`])
  const result = v.object({
    compared: v.object({
      ok: v.boolean(),
      value: v.optional(v.record(v.string(), v.unknown())),
      error: v.optional(v.record(v.string(), v.unknown())),
    }),
    runs: v.number(),
    seconds: v.number(),
    peakBytes: v.number(),
  })
  const { compared, runs, seconds, peakBytes } = await hear(comparer, result)
  console.log(`bill: ${rows} rows (${megabytes(bytes)} compressed) against ${kind}: ${JSON.stringify(compared.value ?? compared.error)}`)
  console.log(
    `bill: ${Math.round(rows / seconds)} rows/s, ${seconds.toFixed(1)} s in ${runs} ${runs === 1 ? 'run' : 'runs'}, peak memory ${megabytes(peakBytes)} (limit ${megabytes(MOST_BYTES)}; node --max-heap-size=${HEAP_MB})`,
  )
  console.log(`bill: repeat with ${kind === 'PGlite' ? '' : 'TEST_DATABASE_URL=… '}node dev/bench/bill.ts ${rows}`)
  const isRight = compared.value?.['payments'] === payments && compared.value['differences'] === Math.floor(payments / WRONG_EVERY)
  if (peakBytes > MOST_BYTES || !isRight) process.exitCode = 1
} finally {
  for (const child of [ledger, server]) if (child.connected) child.disconnect()
}

/**
 * A bill of a million rows against a ledger of a million rows: rows per second, and the peak memory
 * of the comparing process. The bill and the ledger are in another process, so that only the
 * comparison is measured.
 *
 * The heap is limited as that of a small function is, because V8 collects little garbage while the
 * machine has memory left.
 */
import * as v from 'valibot'
import { demoDatabase, demoRedisToken, demoValues } from '../world/demo-values.ts'
import { startChild } from './child.ts'
import type { Part } from './part.ts'
import { databaseKind } from './servers.ts'
import { count } from './table.ts'

const MOST_BYTES = 200_000_000
const HEAP_MB = 96
const [ROWS, QUICK_ROWS] = [1_000_000, 20_000]

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

const servicesAnswer = v.object({
  url: v.string(),
  bytes: v.number(),
  payments: v.number(),
  wrong: v.number(),
})
const comparerAnswer = v.object({
  compared: v.object({ ok: v.boolean(), value: v.unknown(), error: v.optional(v.unknown()) }),
  runs: v.number(),
  seconds: v.number(),
  peakBytes: v.number(),
})

/** Measured once: a million rows are their own median. */
export const measure: Part = async ({ isQuick, progress, cleanups }) => {
  const rows = isQuick ? QUICK_ROWS : ROWS
  const services = startChild('bill-services.ts', { args: [String(rows)] })
  cleanups.add(services.stop)
  progress(`a ledger and a bill of ${rows} rows`)
  const { url, bytes, payments, wrong } = await services.ask(servicesAnswer)
  progress('comparing')
  const comparer = startChild('bill-comparer.ts', {
    env: {
      ...demoValues,
      WECHAT_PAY_URL: url,
      WECHAT_API_URL: url,
      DATABASE_URL: demoDatabase,
      NEON_HTTP_ENDPOINT: `${url}/sql`,
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: demoRedisToken,
      PUBLIC_URL: url,
      ORDER_WEBHOOK_URL: '',
    },
    execArgv: [`--max-heap-size=${HEAP_MB}`],
  })
  cleanups.add(comparer.stop)
  const { compared, runs, seconds, peakBytes } = await comparer.ask(comparerAnswer)
  if (
    !v.is(
      v.object({ payments: v.literal(payments), differences: v.literal(wrong) }),
      compared.value,
    )
  )
    throw new Error(`the comparison did not find exactly what differs: ${JSON.stringify(compared)}`)
  return {
    title: 'The daily bill',
    about:
      'WeChat’s bill of one day against the ledger, by a process with a heap of at most ' +
      `${HEAP_MB} MB. Rows are compared one by one, and the bill is never held as a whole.`,
    columns: [
      'rows',
      'bill, compressed',
      'rows per second',
      'seconds',
      'runs',
      'peak memory',
      'database',
    ],
    rows: [
      [
        count(rows),
        megabytes(bytes),
        count(Math.round(rows / seconds)),
        seconds.toFixed(1),
        String(runs),
        megabytes(peakBytes),
        databaseKind,
      ],
    ],
    notes: [
      `A comparison has 150 seconds, and the next run resumes an unfinished one. ${count(payments)} of the rows are payments.`,
    ],
    plot: null,
    missed:
      peakBytes <= MOST_BYTES
        ? []
        : [`the comparison took more memory than ${megabytes(MOST_BYTES)}`],
  }
}

/**
 * A bill of a million rows against a ledger of a million rows: rows per second, and the most memory the comparing process
 * ever had, Node itself and all. Bill and ledger are in processes of their own, so that only the comparing is measured.
 *
 * Its heap is limited as a small function's is, for V8 leaves garbage lying as long as the machine has memory to spare: what
 * is to be known is what the comparing needs.
 */
import * as v from 'valibot'
import { demoDatabase, demoRedisToken, demoValues } from '../world/demo-values.ts'
import { toRefunds, WRONG_EVERY } from './bill-day.ts'
import { startChild } from './child.ts'
import type { Part } from './part.ts'

const MOST_BYTES = 200_000_000
const HEAP_MB = 96
const [ROWS, QUICK_ROWS] = [1_000_000, 20_000]

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

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

/** Measured once: a million rows are their own median. */
export const bill: Part = {
  name: 'bill',
  async measure({ isQuick, progress, cleanups }) {
    const rows = isQuick ? QUICK_ROWS : ROWS
    const args = [String(rows)]
    const [ledger, server] = [
      startChild('bill-ledger.ts', { args }),
      startChild('bill-server.ts', { args }),
    ]
    for (const { stop } of [ledger, server]) cleanups.add(stop)
    progress(`a ledger and a bill of ${rows} rows`)
    const [{ endpoint, kind }, { url, bytes }] = await Promise.all([
      ledger.hear(v.object({ endpoint: v.string(), kind: v.string() })),
      server.hear(v.object({ url: v.string(), bytes: v.number() })),
    ])
    const env = {
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
    progress('comparing')
    const comparer = startChild('bill-comparer.ts', {
      env,
      execArgv: [`--max-heap-size=${HEAP_MB}`],
    })
    cleanups.add(comparer.stop)
    const { compared, runs, seconds, peakBytes } = await comparer.hear(result)

    const payments = rows - toRefunds(rows)
    const isRight =
      compared.value?.['payments'] === payments &&
      compared.value['differences'] === Math.floor(payments / WRONG_EVERY)
    if (!isRight)
      throw new Error(
        `the comparison did not find exactly what differs: ${JSON.stringify(compared.value ?? compared.error)}`,
      )
    return {
      title: 'The daily bill',
      about: `WeChat’s bill of one day against the ledger, by a process with a heap of ${HEAP_MB} MB at most: as they agree or not is found row by row, and nothing is held whole.`,
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
          rows.toLocaleString('en'),
          megabytes(bytes),
          Math.round(rows / seconds).toLocaleString('en'),
          seconds.toFixed(1),
          String(runs),
          megabytes(peakBytes),
          kind,
        ],
      ],
      notes: [
        `A comparison has 150 seconds; the next run resumes what it did not finish. ${payments.toLocaleString('en')} of the rows are payments.`,
      ],
      plot: null,
      missed:
        peakBytes <= MOST_BYTES
          ? []
          : [`the comparison took more memory than ${megabytes(MOST_BYTES)}`],
    }
  },
}

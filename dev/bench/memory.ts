/**
 * The memory of one instance with all functions: before they are loaded, at rest, and while
 * payments come in.
 */
import * as v from 'valibot'
import { startChild, usage } from './child.ts'
import { call, fillCatalogue, payOnce, REQUESTS_PER_PAYMENT } from './client.ts'
import { rush } from './measure.ts'
import type { Part } from './part.ts'
import { databaseKind } from './servers.ts'
import { count, type Table } from './table.ts'

const [REQUESTS, QUICK_REQUESTS] = [100_000, 2_000]
const AT_ONCE = 8

/**
 * Full caches and recompiled code do not grow on. A leak grows by more than this with each request.
 */
const MOST_BYTES_PER_REQUEST = 50

type Usage = v.InferOutput<typeof usage>

/** Measured once: what is left after garbage collection varies little, and a round takes long. */
export const measure: Part = async ({ isQuick, progress, cleanups }) => {
  const requests = isQuick ? QUICK_REQUESTS : REQUESTS
  progress('starting')
  const instance = startChild('instance.ts', { execArgv: ['--expose-gc'] })
  cleanups.add(instance.stop)
  const { url } = await instance.ask(v.object({ url: v.string() }))
  const services = startChild('services.ts', { args: ['0'], env: { PUBLIC_URL: url } })
  cleanups.add(services.stop)
  const { url: servicesUrl, env } = await services.ask(
    v.object({ url: v.string(), env: v.record(v.string(), v.string()) }),
  )
  const weigh = () => instance.ask(usage, 'usage')

  const empty = await weigh()
  await instance.ask(v.literal('serving'), { env })
  const merchantKey = env['MERCHANT_API_KEY'] ?? ''
  const shop = { url, wechat: `${servicesUrl}/wechat`, merchantKey }
  await fillCatalogue(url, merchantKey)
  await call(v.unknown(), `${url}/api/health`)
  await payOnce(shop)
  const rest = await weigh()
  const loaded: Usage[] = []
  let done = 0
  for (const quarter of [1, 2, 3, 4]) {
    await rush(AT_ONCE, Infinity, async () => {
      if (done >= (quarter * requests) / 4) return false
      done += REQUESTS_PER_PAYMENT
      await payOnce(shop)
      if (done % (250 * REQUESTS_PER_PAYMENT) === 0) progress(`${done} of ${requests} requests`)
      return true
    })
    loaded.push(await weigh())
  }
  return toTable(empty, rest, loaded)
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

function toTable(empty: Usage, rest: Usage, loaded: readonly Usage[]): Table {
  const [first = rest, last = rest] = [loaded[0], loaded.at(-1)]
  const growth = (last.heapUsed - first.heapUsed) / (last.answered - first.answered)
  const rows = [
    { label: 'before any function is loaded', ...empty },
    { label: 'at rest, every function loaded and one payment taken', ...rest },
    ...loaded.map((one) => ({ label: `after ${count(one.answered)} requests`, ...one })),
  ]
  return {
    title: 'Memory',
    about:
      'One process with all functions and a server in front of them, while payments arrive, eight at a ' +
      'time: login, order, prepay twice, the notification, query. The heap is measured after a garbage ' +
      'collection. The resident set is the memory that the system sees, with Node itself and space that ' +
      'V8 keeps. The aim: from the first quarter of the requests to the last at most ' +
      `${MOST_BYTES_PER_REQUEST} bytes a request.`,
    columns: ['', 'heap', '× at rest', 'resident set', '× at rest'],
    rows: rows.map(({ label, heapUsed, rss }) => [
      label,
      megabytes(heapUsed),
      (heapUsed / rest.heapUsed).toFixed(2),
      megabytes(rss),
      (rss / rest.rss).toFixed(2),
    ]),
    notes: [
      `From the first quarter of the requests to the last the heap grew by ${growth.toFixed(1)} bytes for each request.`,
      `The database was ${databaseKind}, in another process.`,
    ],
    plot: {
      title: 'Memory of one instance with all functions',
      unit: 'MB',
      scale: 'linear',
      series: ['heap', 'resident set'],
      limit: null,
      rows: rows.map(({ label, heapUsed, rss }) => ({
        label: label.replace(/, every.*/, ''),
        marks: [
          { series: 'heap', value: heapUsed / 1e6 },
          { series: 'resident set', value: rss / 1e6 },
        ],
      })),
    },
    missed:
      growth <= MOST_BYTES_PER_REQUEST
        ? []
        : [`the heap grows by ${growth.toFixed(1)} bytes for each request`],
  }
}

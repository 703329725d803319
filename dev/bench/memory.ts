/**
 * What an instance holds in memory: before any function is loaded, at rest, and while it takes payment after payment. One
 * process has all functions, more than an instance ever has to; whatever it talks to is in other processes.
 */
import * as v from 'valibot'
import { startChild } from './child.ts'
import type { Part } from './part.ts'
import { openCounter, payOnce, REQUESTS_A_PAYMENT, type Counter } from './shopper.ts'
import type { Table } from './table.ts'

const [REQUESTS, QUICK_REQUESTS] = [100_000, 2_000]
const AT_ONCE = 8

/** A machine that stops for a moment, as they do, stops the payers of that moment: hours of measuring need not end with them. */
const MOST_FAILURES = 2 * AT_ONCE

/** Caches that fill and code that is compiled again come to an end; more than this for each further request would not. */
const MOST_BYTES_A_REQUEST = 50

const weight = v.object({ answered: v.number(), heapUsed: v.number(), rss: v.number() })
type Weight = v.InferOutput<typeof weight>

/** Measured once: what is left after a collection does not vary much, and another round would take as long again. */
export const memory: Part = {
  name: 'memory',
  async measure({ isQuick, progress, cleanups }) {
    const requests = isQuick ? QUICK_REQUESTS : REQUESTS
    progress('starting')
    const instance = startChild('memory-instance.ts', { execArgv: ['--expose-gc'] })
    cleanups.add(instance.stop)
    const { url } = await instance.hear(v.object({ url: v.string() }))
    const services = startChild('memory-world.ts', { env: { PUBLIC_URL: url } })
    cleanups.add(services.stop)
    const world = await services.hear(
      v.object({ url: v.string(), env: v.record(v.string(), v.string()), kind: v.string() }),
    )
    await instance.hear(v.literal('serving'), { env: world.env })
    const weigh = () => instance.hear(weight, 'memory')

    const counter = {
      url,
      wechat: `${world.url}/wechat`,
      merchantKey: world.env['MERCHANT_API_KEY'] ?? '',
    }

    const empty = await weigh()
    await openCounter(counter)
    await payOnce(counter)
    const rest = await weigh()
    const loaded: Weight[] = []
    for (const quarter of [1, 2, 3, 4]) {
      await payOn(counter, requests / 4, (done) =>
        progress(`${Math.round((quarter - 1) * (requests / 4) + done)} of ${requests} requests`),
      )
      loaded.push(await weigh())
    }
    return toTable(empty, rest, loaded, world.kind)
  },
}

/** Payers side by side, until so many requests were made. One who is told to ask again later leaves. */
async function payOn(
  counter: Counter,
  requests: number,
  progress: (done: number) => void,
): Promise<void> {
  let [done, failures] = [0, 0]
  const queue = async () => {
    while (done < requests) {
      done += REQUESTS_A_PAYMENT
      await payOnce(counter).catch((error: unknown) => {
        failures += 1
        if (failures > MOST_FAILURES) throw error
      })
      if (done % (250 * REQUESTS_A_PAYMENT) === 0) progress(done)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, queue))
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

function toTable(empty: Weight, rest: Weight, loaded: readonly Weight[], kind: string): Table {
  const [first = rest, last = rest] = [loaded[0], loaded.at(-1)]
  const growth = (last.heapUsed - first.heapUsed) / (last.answered - first.answered)
  const weights = [
    { label: 'before any function is loaded', weight: empty },
    { label: 'at rest, every function loaded and one payment taken', weight: rest },
    ...loaded.map((one) => ({
      label: `after ${one.answered.toLocaleString('en')} requests`,
      weight: one,
    })),
  ]
  return {
    title: 'Memory',
    about:
      'One process with all functions and a server before them, while payments come in, eight at a time: login, order, prepay twice, the notification, query. ' +
      'The heap is what is left when everything unused has been thrown away; the resident set is what the system sees, with Node itself and room that V8 keeps. ' +
      `The aim: from the first quarter of the requests to the last no more than ${MOST_BYTES_A_REQUEST} bytes a request.`,
    columns: ['', 'heap', '× at rest', 'resident set', '× at rest'],
    rows: weights.map(({ label, weight: { heapUsed, rss } }) => [
      label,
      megabytes(heapUsed),
      (heapUsed / rest.heapUsed).toFixed(2),
      megabytes(rss),
      (rss / rest.rss).toFixed(2),
    ]),
    notes: [
      `From the first quarter of the requests to the last the heap grew by ${growth.toFixed(1)} bytes for each request.`,
      `The database was ${kind}, in another process.`,
    ],
    plot: {
      title: 'Memory of one instance with all functions',
      unit: 'MB',
      scale: 'linear',
      series: ['heap', 'resident set'],
      limit: null,
      rows: weights.map(({ label, weight: { heapUsed, rss } }) => ({
        label: label.replace(/, every.*/, ''),
        marks: [
          { series: 'heap', value: heapUsed / 1e6 },
          { series: 'resident set', value: rss / 1e6 },
        ],
      })),
    },
    missed:
      growth <= MOST_BYTES_A_REQUEST
        ? []
        : [`the heap grows by ${growth.toFixed(1)} bytes for each request`],
  }
}

import { availableParallelism } from 'node:os'
import { AT_ONCE, type Hanging, type Turn } from './load-turn.ts'
import { median, quantile, type Crowd } from './measure.ts'
import { nameOf } from './peers.ts'
import { count, type Table } from './table.ts'

interface Results {
  readonly name: string
  readonly turns: readonly Turn[]
  readonly hanging: readonly Hanging[]
}

export interface Measured {
  readonly addedMs: number
  readonly ours: Results
  readonly peer: Results | null
}

const EXPRESS = `Express with ${nameOf('tenpay')}`

/** One workload on one server in one round. */
interface Sample {
  readonly crowd: Crowd
  readonly cpuMs?: number
}

interface Row {
  readonly label: string
  readonly addedMs: number
  readonly ours: readonly Sample[]
  readonly peer: readonly Sample[]
}

function toRows({ addedMs, ours, peer }: Measured): readonly Row[] {
  const row = (label: string, toSamples: (results: Results) => readonly Sample[]): Row => ({
    label: `${addedMs} ms: ${label}`,
    addedMs,
    ours: toSamples(ours),
    peer: peer === null ? [] : toSamples(peer),
  })
  const turn = (label: string, toSample: (turn: Turn) => Sample) =>
    row(label, ({ turns }) => turns.map(toSample))
  return [
    turn('payments', ({ payments, cpu }) => ({ crowd: payments, cpuMs: cpu.payment })),
    turn('payments, one at a time', ({ alone }) => ({ crowd: alone.payments })),
    row('payments, the webhook hangs', ({ hanging }) =>
      hanging.map(({ payments }) => ({ crowd: payments })),
    ),
    turn('notifications', (one) => ({ crowd: one.notifications, cpuMs: one.cpu.notification })),
    turn('notifications, one at a time', ({ alone }) => ({ crowd: alone.notifications })),
    turn('repeated notifications', ({ again }) => ({ crowd: again })),
  ]
}

const rate = ({ crowd }: Sample): number => crowd.perSecond
const SHARES = [0.5, 0.95, 0.99] as const
const latency =
  (share: number) =>
  ({ crowd }: Sample): number =>
    quantile(crowd.ms, share)

/** The median of the ratios to the peer in the same round. */
const ratio = ({ ours, peer }: Row, of: (sample: Sample) => number): number =>
  median(
    ours.map((sample, round) => of(sample) / (peer[round] === undefined ? NaN : of(peer[round]))),
  )

/** Rows without added time judge nothing: a function and its database are never on one machine. */
function judge(row: Row): readonly string[] {
  if (row.addedMs === 0 || row.peer.length === 0) return []
  return [
    { what: 'a second', times: ratio(row, rate) },
    ...SHARES.map((share) => ({ what: `p${share * 100}`, times: 1 / ratio(row, latency(share)) })),
  ].flatMap(({ what, times }) =>
    times > 1 ? [] : [`${row.label}, ${what}: ${EXPRESS} is ahead (${times.toFixed(2)})`],
  )
}

export function toTable(measured: readonly Measured[]): Table {
  const rows = measured.flatMap(toRows)
  const isCompared = rows.some(({ peer }) => peer.length > 0)
  return {
    title: 'Load',
    about:
      `The whole flow (login, order, prepay twice, the payment, WeChat’s notification, query) by ` +
      `${AT_ONCE} concurrent payers, and ${AT_ONCE} concurrent notifications of existing orders, for the ` +
      `first time and repeated. The ${availableParallelism()} cores are shared by the server, the ` +
      `payers, WeChat, Redis and the database. The comparison is an ${EXPRESS}, \`pg\` and \`redis\`, ` +
      'which does the same work on the same PostgreSQL and Redis. Each row begins with the time that is ' +
      'added to every request to the database, Redis and WeChat, as in the table of hops. Latencies and ' +
      'CPU are in ms. CPU is the processor time of the server’s own process for one, including work ' +
      'after its answers. The last column is the ratio of the rates. The aim: faster wherever ' +
      'time is added. The figures only compare: an instance with two cores of its own can do more.',
    columns: [
      '',
      ...columnsOf('per second'),
      ...(isCompared ? [...columnsOf('Express'), '×'] : []),
    ],
    rows: rows.map((row) => [
      row.label,
      ...cells(row.ours),
      ...(isCompared ? [...cells(row.peer), ratio(row, rate).toFixed(2)] : []),
    ]),
    notes: [
      ...measured.map(noteHanging),
      isCompared
        ? 'Rows without added time have no aim, because a function and its database are never on one machine. There only processor time counts. A server that keeps its own connections to PostgreSQL and Redis needs less of it than one that calls both over HTTP, as functions must. The translation of HTTP into their protocols runs on the same cores, in no CPU column. With added time Express waits: its ten connections, the usual number, are held through every round trip of a transaction.'
        : 'Without TEST_DATABASE_URL and TEST_REDIS_URL the other server has nothing to connect to.',
      'Both sign with MD5, because that library checks a notification that does not name its type only with MD5.',
      ...measured.flatMap(noteFailures),
    ],
    plot: isCompared
      ? {
          title: `Load: times as many a second as ${EXPRESS}`,
          unit: 'times, logarithmic',
          scale: 'log',
          series: ['this project', EXPRESS],
          limit: EXPRESS,
          rows: rows.map((row) => ({
            label: row.label
              .replace('the webhook hangs', 'webhook hangs')
              .replace('one at a time', 'one by one'),
            marks: [
              { series: 'this project', value: ratio(row, rate) },
              { series: EXPRESS, value: 1 },
            ],
          })),
        }
      : null,
    missed: rows.flatMap(judge),
  }
}

const columnsOf = (name: string): readonly string[] => [name, 'p50, p95, p99', 'CPU']

function cells(samples: readonly Sample[]): readonly string[] {
  if (samples.length === 0) return ['', '', '']
  const cpu = samples.flatMap(({ cpuMs }) => cpuMs ?? [])
  return [
    round(median(samples.map(rate))),
    SHARES.map((share) => round(median(samples.map(latency(share))))).join(', '),
    cpu.length === 0 ? '' : round(median(cpu)),
  ]
}

const round = (value: number): string => value.toFixed(value < 10 ? 1 : 0)

const resultsOf = ({ ours, peer }: Measured): readonly Results[] =>
  peer === null ? [ours] : [ours, peer]

function noteHanging(measured: Measured): string {
  const shares = resultsOf(measured).map(
    ({ name, hanging }) =>
      `${Math.round(100 * median(hanging.map(({ share }) => share)))} % of ${name}’s`,
  )
  return `While the merchant’s webhook accepts and never answers, the rate of payments with ${measured.addedMs} ms is ${shares.join(' and ')} normal rate.`
}

function noteFailures(measured: Measured): readonly string[] {
  const failed = resultsOf(measured).map(({ name, turns, hanging }) => {
    const crowds = [
      ...turns.flatMap((turn) => [turn.payments, turn.notifications, turn.again]),
      ...turns.flatMap(({ alone }) => [alone.payments, alone.notifications]),
      ...hanging.map(({ payments }) => payments),
    ]
    const failures = crowds.reduce((sum, crowd) => sum + crowd.failures, 0)
    return { name, failures, all: crowds.reduce((sum, { ms }) => sum + ms.length, failures) }
  })
  if (failed.every(({ failures }) => failures === 0)) return []
  const listed = failed.map(({ name, failures, all }) => `${failures} of ${name}’s ${count(all)}`)
  return [
    `With ${measured.addedMs} ms, these requests failed and only their time counts: ${listed.join(', ')}.`,
  ]
}

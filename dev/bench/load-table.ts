import { availableParallelism } from 'node:os'
import { AT_ONCE, OURS, PEER, type Crowd, type Hanging, type Name, type Turn } from './load-turn.ts'
import { median, quantile } from './measure.ts'
import { nameOf } from './peers.ts'
import { count, type Table } from './table.ts'

export interface Measured {
  readonly addedMs: number
  readonly names: readonly Name[]
  readonly turns: (name: Name) => readonly Turn[]
  readonly hanging: (name: Name) => readonly Hanging[]
}

const EXPRESS = `Express with ${nameOf('tenpay')}`
const shortNames: Readonly<Record<Name, string>> = { [OURS]: 'this project', [PEER]: 'Express' }

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

const whereOf = (addedMs: number): string => (addedMs === 0 ? 'next door' : `${addedMs} ms away`)

function toRows({ addedMs, names, turns, hanging }: Measured): readonly Row[] {
  const row = <T>(
    label: string,
    samplesOf: (name: Name) => readonly T[],
    toSample: (sample: T) => Sample,
  ): Row => ({
    label: `${whereOf(addedMs)}: ${label}`,
    addedMs,
    ours: samplesOf(OURS).map(toSample),
    peer: names.includes(PEER) ? samplesOf(PEER).map(toSample) : [],
  })
  return [
    row('payments', turns, ({ payments, cpu }) => ({ crowd: payments, cpuMs: cpu.payment })),
    row('payments, one at a time', turns, ({ alone }) => ({ crowd: alone.payments })),
    row('payments, the webhook hangs', hanging, ({ payments }) => ({ crowd: payments })),
    row('notifications', turns, ({ notifications, cpu }) => ({
      crowd: notifications,
      cpuMs: cpu.notification,
    })),
    row('notifications, one at a time', turns, ({ alone }) => ({ crowd: alone.notifications })),
    row('repeated notifications', turns, ({ again }) => ({ crowd: again })),
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
      `The whole flow (login, order, prepay twice, the payment, WeChat’s notification, query) by ${AT_ONCE} payers at once, and ${AT_ONCE} notifications at a time of ` +
      `orders that are there, for the first time and again; on ${availableParallelism()} cores, which the server shares with the payers, WeChat, Redis and the database. Against it an ` +
      `${EXPRESS}, \`pg\` and \`redis\`, which does the same work on the same PostgreSQL and Redis. Once with 20 ms added to every request to the database, Redis and ` +
      'WeChat, as in the table of hops, and once with everything next door. CPU is what the server’s own process computed for one, with all it did after its ' +
      'answers. The last column says how many times as many a second this project does; the aim is to be ahead wherever there is a distance. It compares: what an ' +
      'instance with two cores of its own can do is more.',
    columns: [
      '',
      ...columnsOf(shortNames[OURS]),
      ...(isCompared ? [...columnsOf(shortNames[PEER]), '×'] : []),
    ],
    rows: rows.map((row) => [
      row.label,
      ...cells(row.ours),
      ...(isCompared ? [...cells(row.peer), ratio(row, rate).toFixed(2)] : []),
    ]),
    notes: [
      ...measured.map(noteHanging),
      isCompared
        ? 'Next door nothing is judged, for a function and its database are never on one machine. There only computing counts, and a server that keeps its own connections to PostgreSQL and Redis computes less than one that asks both over HTTP, as functions must; what turns HTTP into their protocols runs on the same cores besides, though in no CPU column. Farther away it waits: its ten connections, the usual number, are held through every round trip of a transaction.'
        : 'Without TEST_DATABASE_URL and TEST_REDIS_URL there is nothing the other server could connect to.',
      'Both sign with MD5, for which alone that library checks a notification that does not name its type.',
      ...measured.flatMap(noteFailures),
    ],
    plot: isCompared
      ? {
          title: `Load: times as many a second as ${EXPRESS}`,
          unit: 'times, logarithmic',
          scale: 'log',
          series: [shortNames[OURS], EXPRESS],
          limit: EXPRESS,
          rows: rows.map((row) => ({
            label: row.label
              .replace('the webhook hangs', 'webhook hangs')
              .replace('one at a time', 'one by one'),
            marks: [
              { series: shortNames[OURS], value: ratio(row, rate) },
              { series: EXPRESS, value: 1 },
            ],
          })),
        }
      : null,
    missed: rows.flatMap(judge),
  }
}

const columnsOf = (name: string): readonly string[] => [
  `${name}, a second`,
  'p50, p95, p99 in ms',
  'CPU',
]

function cells(samples: readonly Sample[]): readonly string[] {
  if (samples.length === 0) return ['', '', '']
  const cpu = samples.flatMap(({ cpuMs }) => cpuMs ?? [])
  return [
    round(median(samples.map(rate))),
    SHARES.map((share) => round(median(samples.map(latency(share))))).join(', '),
    cpu.length === 0 ? '' : `${round(median(cpu))} ms`,
  ]
}

const round = (value: number): string => value.toFixed(value < 10 ? 1 : 0)

function noteHanging({ addedMs, names, hanging }: Measured): string {
  const shares = names.map(
    (name) =>
      `${Math.round(100 * median(hanging(name).map(({ share }) => share)))} % of ${shortNames[name]}’s`,
  )
  return `While the merchant’s webhook accepts and never answers, of the payments a second there stay, ${whereOf(addedMs)}: ${shares.join(', ')}.`
}

function noteFailures({ addedMs, names, turns, hanging }: Measured): readonly string[] {
  const failed = names.map((name) => {
    const crowds = [
      ...turns(name).flatMap(({ payments, notifications, again, alone }) => [
        payments,
        notifications,
        again,
        alone.payments,
        alone.notifications,
      ]),
      ...hanging(name).map(({ payments }) => payments),
    ]
    const failures = crowds.reduce((sum, crowd) => sum + crowd.failures, 0)
    return { name, failures, all: crowds.reduce((sum, { ms }) => sum + ms.length, failures) }
  })
  if (failed.every(({ failures }) => failures === 0)) return []
  const listed = failed.map(
    ({ name, failures, all }) => `${failures} of ${shortNames[name]}’s ${count(all)}`,
  )
  return [`${whereOf(addedMs)}, came to nothing, and count as time only: ${listed.join(', ')}.`]
}

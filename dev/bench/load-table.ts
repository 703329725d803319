import { nameOf } from './peers.ts'
import type { Crowd } from './load-crowd.ts'
import { PEER, OURS, type Name } from './load-stage.ts'
import { AT_ONCE, type Hanging, type Turn } from './load-turn.ts'
import { median, quantile } from './rounds.ts'
import type { Table } from './table.ts'

export interface Measured {
  readonly addedMs: number
  readonly names: readonly Name[]
  readonly turns: (name: Name) => readonly Turn[]
  readonly hanging: (name: Name) => readonly Hanging[]
}

const EXPRESS = `Express with ${nameOf('tenpay')}`

/** One kind of work as one server did it in one round. */
interface Sample {
  readonly crowd: Crowd
  /** Of its process for one, in milliseconds. */
  readonly cpuMs?: number
}

interface Row {
  readonly label: string
  readonly addedMs: number
  readonly ours: readonly Sample[]
  readonly peer: readonly Sample[]
}

function toRows({ addedMs, names, turns, hanging }: Measured): readonly Row[] {
  const row = <T>(
    label: string,
    samples: (name: Name) => readonly T[],
    of: (sample: T) => Sample,
  ): Row => ({
    label: `${whereOf(addedMs)}: ${label}`,
    addedMs,
    ours: samples(OURS).map(of),
    peer: names.includes(PEER) ? samples(PEER).map(of) : [],
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

const whereOf = (addedMs: number): string => (addedMs === 0 ? 'next door' : `${addedMs} ms away`)

const rate = ({ crowd }: Sample): number => crowd.perSecond
const SHARES = [0.5, 0.95, 0.99] as const
const shareOf =
  (share: number) =>
  ({ crowd }: Sample): number =>
    quantile(crowd.ms, share)

/** How many times as good ours is, round by round: what was measured at the same time is compared. */
const timesAsGood = (
  { ours, peer }: Row,
  of: (sample: Sample) => number,
  isLessBetter: boolean,
): number =>
  median(
    ours.map((sample, round) => {
      const other = peer[round]
      const ratio = other === undefined ? NaN : of(sample) / of(other)
      return isLessBetter ? 1 / ratio : ratio
    }),
  )

/** A function and its database are never on one machine: that row shows what computing costs, and judges nothing. */
const judge = (row: Row): readonly string[] =>
  [
    { what: 'a second', times: timesAsGood(row, rate, false) },
    ...SHARES.map((share) => ({
      what: `p${share * 100}`,
      times: timesAsGood(row, shareOf(share), true),
    })),
  ].flatMap(({ what, times }) =>
    row.addedMs > 0 && row.peer.length > 0 && !(times > 1)
      ? [`${row.label}, ${what}: ${EXPRESS} is ahead (${times.toFixed(2)})`]
      : [],
  )

export function toTable(measured: readonly Measured[], cores: number): Table {
  const rows = measured.flatMap(toRows)
  const isCompared = rows.some(({ peer }) => peer.length > 0)
  return {
    title: 'Load',
    about:
      `The whole flow (login, order, prepay twice, the payment, WeChat’s notification, query) by ${AT_ONCE} payers at once, and ${AT_ONCE} notifications at a time of ` +
      `orders that are there, for the first time and again; on ${cores} cores, which the server shares with the payers, WeChat, Redis and the database. Against it an ` +
      `${EXPRESS}, \`pg\` and \`redis\`, which does the same work on the same PostgreSQL and Redis. Once with 20 ms added to every request to the database, Redis and ` +
      'WeChat, as in the table of hops, and once with everything next door. CPU is what the server’s own process computed for one, with all it did after its ' +
      'answers. The last column says how many times as many a second this project does; the aim is to be ahead wherever there is a distance. It compares: what an ' +
      'instance with two cores of its own can do is more.',
    columns: [
      '',
      ...columnsOf('this project'),
      ...(isCompared ? [...columnsOf('Express'), '×'] : []),
    ],
    rows: rows.map((row) => [
      row.label,
      ...cells(row.ours),
      ...(isCompared
        ? [
            ...cells(row.peer),
            row.peer.length === 0 ? '' : timesAsGood(row, rate, false).toFixed(2),
          ]
        : []),
    ]),
    notes: [
      ...measured.flatMap((one) => noteStay(one)),
      ...(isCompared
        ? [
            'Next door nothing is judged, for a function and its database are never on one machine. There only computing counts, and a server that keeps its own connections to PostgreSQL and Redis computes less than one that asks both over HTTP, as functions must; what turns HTTP into their protocols runs on the same cores besides, though in no CPU column. Farther away it waits: its ten connections, the usual number, are held through every round trip of a transaction.',
          ]
        : [
            'Without TEST_DATABASE_URL and TEST_REDIS_URL there is nothing the other server could connect to.',
          ]),
      'Both sign with MD5, for which alone that library checks a notification that does not name its type.',
      ...measured.flatMap((one) => noteFailures(one)),
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
              { series: 'this project', value: timesAsGood(row, rate, false) },
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
    SHARES.map((share) => round(median(samples.map(shareOf(share))))).join(', '),
    cpu.length === 0 ? '' : `${round(median(cpu))} ms`,
  ]
}

const round = (value: number): string => value.toFixed(value < 10 ? 1 : 0)

const nameFor = (name: Name): string => (name === OURS ? 'this project' : 'Express')

function noteStay({ addedMs, names, hanging }: Measured): readonly string[] {
  const stay = names.map(
    (name) =>
      `${Math.round(100 * median(hanging(name).map(({ share }) => share)))} % of ${nameFor(name)}’s`,
  )
  return [
    `While the merchant’s webhook accepts and never answers, of the payments a second there stay, ${whereOf(addedMs)}: ${stay.join(', ')}.`,
  ]
}

function noteFailures({ addedMs, names, turns, hanging }: Measured): readonly string[] {
  const failed = names.map((name) => {
    const crowds = crowdsOf(turns(name), hanging(name))
    const count = crowds.reduce((sum, { failures }) => sum + failures, 0)
    return { name, count, all: crowds.reduce((sum, { ms }) => sum + ms.length, count) }
  })
  return failed.some(({ count }) => count > 0)
    ? [
        `${whereOf(addedMs)}, came to nothing, and count as time only: ${failed.map(({ name, count, all }) => `${count} of ${nameFor(name)}’s ${all.toLocaleString('en')}`).join(', ')}.`,
      ]
    : []
}

const crowdsOf = (turns: readonly Turn[], hanging: readonly Hanging[]): readonly Crowd[] => [
  ...turns.flatMap(({ payments, notifications, again, alone }) => [
    payments,
    notifications,
    again,
    alone.payments,
    alone.notifications,
  ]),
  ...hanging.map(({ payments }) => payments),
]

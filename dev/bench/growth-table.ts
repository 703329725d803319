/** The costs beside those of the smallest ledger, and the steps that grew too much. */
import { MOST_ROWS, type Explained } from './growth-ledgers.ts'
import { postgresUrl } from './servers.ts'
import { count, type Table } from './table.ts'

export interface Ledger {
  readonly orders: number
  readonly bytes: number
}

interface Cost {
  /** Undefined for a step that is not timed. */
  readonly ms: number | undefined
  readonly pages: number
  readonly statements: number
}

export interface Measured {
  readonly ledger: Ledger
  readonly steps: ReadonlyMap<string, Cost>
  readonly explained: readonly Explained[]
  /** Steps that at least once were not answered in time, while nothing was explained. */
  readonly unanswered: ReadonlySet<string>
}

/**
 * Ten times as many rows make an index at most one page deeper, so twice the pages are a search.
 * The largest ledger is compared with the next smaller one, because PostgreSQL reads a very small
 * table as a whole.
 */
const MOST_PAGES = 2

/** Dead rows of earlier rounds add a few pages, wherever they are. */
const LEAST_PAGES = 50

/** The speed of a machine varies by this factor, and by this much for short times. */
const [MOST_TIME, LEAST_MS] = [1.5, 2]

export function toGrowthTable(
  measured: readonly Measured[],
  billRows: number,
  ordersADay: number,
): Table {
  const isEmbedded = postgresUrl === undefined
  const [first, next, last] = [measured[0], measured.at(-2), measured.at(-1)]
  if (first === undefined || next === undefined || last === undefined)
    throw new Error('nothing was measured')
  const [names, name, smaller, largest] = [
    measured.map(nameOf),
    nameOf(first),
    nameOf(next),
    nameOf(last),
  ]
  const rows = [...first.steps].map(([step, least]) => {
    const costs = measured.map(({ steps }) => steps.get(step) ?? unknown)
    return { step, least, costs, less: costs.at(-2) ?? unknown, most: costs.at(-1) ?? unknown }
  })
  const faults = findFaults(last.explained)
  const cron = rows.filter(({ step }) => step.startsWith('cron'))
  return {
    title: 'Growth',
    about:
      `The same requests with ${listed(names)} orders in the ledger, and with the payments, refunds, ` +
      `shipments, events and payers that belong to them: a shop that takes ${count(ordersADay)} orders a ` +
      'day, at different ages. Pages are the pages that PostgreSQL touches, 8 kB each, in memory or ' +
      'not, including work after the answer. × compares with the smallest ledger, and less is better. ' +
      'There are three aims. Every statement uses an index. The largest ledger needs at most ' +
      `${MOST_PAGES} times the pages of the next smaller one, or ${LEAST_PAGES} more, because statements ` +
      `pass rows that earlier rounds have changed. It needs at most ${MOST_TIME} times the time.`,
    columns: ['', ...columns(names, 'ms'), ...columns(names, 'pages')],
    rows: rows.map(({ step, least, costs }) => [
      step,
      ...costs.flatMap(({ ms }, at) => [
        ms?.toFixed(1) ?? '',
        ...(at === 0 ? [] : [times(ms, least.ms)]),
      ]),
      ...costs.flatMap(({ pages }, at) => [
        count(pages),
        ...(at === 0 ? [] : [times(pages, least.pages)]),
      ]),
    ]),
    notes: [
      `${new Set(last.explained.map(({ text }) => text)).size} different statements were explained with ${largest} orders. ${faults.length === 0 ? 'Each' : `Each but ${faults.length}`} finds its rows by an index, and reads no more than ${count(MOST_ROWS)} of a table that grows.`,
      ...cron.map(
        ({ step, costs }) =>
          `${step}: ${listed(costs.map(({ statements }) => count(statements)))} statements.`,
      ),
      `The bill of a day has ${count(billRows)} rows, and is compared without its download.`,
      `On disk the ledgers are ${listed(measured.map(({ ledger }) => `${count(Math.round(ledger.bytes / 1e6))} MB`))}.`,
      ...(isEmbedded
        ? [
            'The database was PGlite, embedded, and there are no aims: such a small table may be faster to read as a whole. `TEST_DATABASE_URL` names a PostgreSQL for up to 10 million orders.',
          ]
        : []),
    ],
    plot: {
      title: `Growth: ${largest} orders in the ledger beside ${smaller}`,
      unit: '×',
      scale: 'linear',
      series: ['pages', 'time', 'most pages'],
      limit: 'most pages',
      rows: rows.map(({ step, less, most }) => ({
        label: step,
        marks: [
          { series: 'pages', value: most.pages / less.pages },
          ...(most.ms === undefined || less.ms === undefined
            ? []
            : [{ series: 'time', value: most.ms / less.ms }]),
          ...(less.pages < LEAST_PAGES ? [] : [{ series: 'most pages', value: MOST_PAGES }]),
        ],
      })),
    },
    missed: isEmbedded
      ? []
      : [
          ...faults,
          ...measured.flatMap((one) =>
            [...one.unanswered].map(
              (step) => `${step} is not always answered with ${nameOf(one)} orders`,
            ),
          ),
          ...rows
            .filter(
              ({ less, most }) =>
                !(most.pages <= Math.max(MOST_PAGES * less.pages, less.pages + LEAST_PAGES)),
            )
            .map(
              ({ step, less, most }) =>
                `${step} touches ${count(most.pages)} pages with ${largest} orders, and ${count(less.pages)} with ${smaller}`,
            ),
          ...rows.flatMap(({ step, least: { ms: least = 0 }, most: { ms: most = 0 } }) =>
            most > MOST_TIME * least && most > least + LEAST_MS
              ? [
                  `${step} takes ${most.toFixed(1)} ms with ${largest} orders, and ${least.toFixed(1)} ms with ${name}`,
                ]
              : [],
          ),
        ],
  }
}

const unknown: Cost = { ms: undefined, pages: NaN, statements: NaN }

const times = (more: number | undefined, least: number | undefined): string =>
  more === undefined || least === undefined ? '' : (more / least).toFixed(2)
const listed = (texts: readonly string[]): string =>
  `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`

function nameOf({ ledger: { orders } }: Measured): string {
  return orders < 1_000_000 ? `${orders / 1_000} k` : `${orders / 1_000_000} M`
}

const columns = ([first, ...others]: readonly string[], unit: string): readonly string[] => [
  `${unit}, ${first}`,
  ...others.flatMap((name) => [name, '×']),
]

/** One line for each statement with a bad plan. */
function findFaults(explained: readonly Explained[]): readonly string[] {
  const found = new Map(
    explained.flatMap(({ text, faults }) =>
      faults.length === 0 ? [] : [[text, faults.join(', ')] as const],
    ),
  )
  return [...found].map(
    ([text, faults]) => `${faults}: ${text.length > 160 ? `${text.slice(0, 160)}…` : text}`,
  )
}

/** The compared bills in the console: the query, and the results as the merchant sees them. */
import * as v from 'valibot'
import { parseDay, type Day } from '../core/day.ts'
import { err, ok, type Result } from '../core/result.ts'
import { toRfc3339 } from '../core/time.ts'
import type { BillReport, DifferencePosition, ListedDifference } from '../ports.ts'
import { parsed } from '../validation/parsed.ts'
import { CURSOR } from './cursor.ts'
import { billDay, pageSize } from './fields.ts'

/** The time of a comparison, and the position of the last difference of a page. */
const POSITION = /^([1-9]\d{0,13})-(0|[1-9]\d{0,8})$/

export const toDifferenceCursor = ({ comparison, position }: DifferencePosition): string =>
  `${comparison.getTime()}-${position}`

function parsePosition(text: string): Result<DifferencePosition, string> {
  const [, comparison, position] = POSITION.exec(text) ?? []
  return comparison === undefined || position === undefined
    ? err('not a cursor')
    : ok({ comparison: new Date(Number(comparison)), position: Number(position) })
}

/** The last day of a page of days, or the last difference of a page of differences. */
const cursor = parsed(
  v.string(),
  (text): Result<Day | DifferencePosition, string> => {
    const last = parseDay(text)
    return last.ok ? last : parsePosition(text)
  },
  CURSOR,
)

const isDay = (last: Day | DifferencePosition): last is Day => typeof last === 'string'

interface DaysAsked {
  readonly before: Day | null
  readonly limit: number
}

interface DifferencesAsked {
  readonly day: Day
  readonly after: DifferencePosition | null
  readonly limit: number
}

/** Without `day`: the days. With `day`: the differences of that day. */
export const billsQuery = v.pipe(
  v.strictObject({
    day: v.optional(billDay),
    cursor: v.optional(cursor),
    limit: v.optional(pageSize, '20'),
  }),
  v.forward(
    v.check(
      (asked) => asked.cursor === undefined || isDay(asked.cursor) === (asked.day === undefined),
      CURSOR,
    ),
    ['cursor'],
  ),
  v.transform(({ day: of, cursor: last, limit }): DaysAsked | DifferencesAsked => {
    const [before, after] =
      last === undefined ? [null, null] : isDay(last) ? [last, null] : [null, last]
    return of === undefined ? { before, limit } : { day: of, after, limit }
  }),
)

export const toBillView = ({ day: of, compared }: BillReport) =>
  compared === null
    ? ({ day: of, state: 'not_compared' } as const)
    : ({
        day: of,
        state: compared.differences === 0 ? 'agrees' : 'differs',
        outcome: compared.outcome,
        comparedAt: toRfc3339(compared.at),
        payments: {
          count: compared.payments,
          ...(compared.sums === null ? {} : { totalFee: compared.sums.totalFee }),
        },
        refunds: {
          count: compared.refunds,
          ...(compared.sums === null ? {} : { refundFee: compared.sums.refundFee }),
        },
        settled: compared.settled,
        differences: compared.differences,
      } as const)

export const toDifferenceView = ({ incident, ...difference }: ListedDifference) => ({
  kind: difference.kind,
  outTradeNo: difference.outTradeNo,
  expected: difference.expected,
  received: difference.received,
  ...(incident === null
    ? {}
    : {
        incident: {
          id: incident.id,
          ...(incident.handled === null
            ? {}
            : { handledAt: toRfc3339(incident.handled.at), note: incident.handled.note }),
        },
      }),
})

import { lastBillDay, type Day } from '../core/day.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { BillReports, Deps, DifferencePosition } from '../ports.ts'

/** The days whose bill is ready, newest first, each with the result of its comparison. */
export const listBills = (
  { billReports, clock }: Pick<Deps, 'billReports' | 'clock'>,
  { before, limit }: { readonly before: Day | null; readonly limit: number },
): ReturnType<BillReports['days']> => billReports.days(lastBillDay(clock.now()), before, limit)

/** A page of the differences of one day. */
export async function listDifferences(
  { billReports }: Pick<Deps, 'billReports'>,
  asked: {
    readonly day: Day
    readonly after: DifferencePosition | null
    readonly limit: number
  },
): Promise<Outcome<NonNullable<Awaited<ReturnType<BillReports['differences']>>>>> {
  const page = await billReports.differences(asked.day, asked.after, asked.limit)
  return page === null
    ? err({
        reason: 'invalid_request',
        field: 'cursor',
        expected: 'to begin at the first page: the bill was compared again',
      })
    : ok(page)
}

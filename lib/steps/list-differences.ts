import type { BillClaim, BillDifference, Bills } from '../ports.ts'

/**
 * More differences than this have a common cause, such as a wrong merchant number or database. They
 * are listed, and the day has one incident.
 */
export const MOST_INCIDENTS = 500

/** With more differences than this, a comparison stops: the bill itself is a better list. */
const MOST_LISTED = 50_000

/** The differences of one comparison. Memory holds only those that may become incidents. */
export interface DifferenceList {
  count(): number
  /** Whether there are more differences than a person can handle one by one. */
  isTooLong(): boolean
  isFull(): boolean
  /** The first differences. */
  first(): readonly BillDifference[]
  add(differences: readonly BillDifference[]): Promise<void>
}

export function createDifferenceList(bills: Pick<Bills, 'list'>, claim: BillClaim): DifferenceList {
  const first: BillDifference[] = []
  let count = 0
  return {
    count: () => count,
    isTooLong: () => count > MOST_INCIDENTS,
    isFull: () => count > MOST_LISTED,
    first: () => first,
    async add(differences) {
      const listed = differences.slice(0, Math.max(0, MOST_LISTED - count))
      if (listed.length > 0) await bills.list(claim, count, listed)
      first.push(...differences.slice(0, MOST_INCIDENTS - first.length))
      count += differences.length
    },
  }
}

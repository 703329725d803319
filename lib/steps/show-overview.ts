import { dayOf, lastBillDay, plusDays } from '../core/day.ts'
import type { Deps, Overview, Takings } from '../ports.ts'

type OverviewDeps = Pick<Deps, 'overviews' | 'clock'>

/** Counts the work that waits for a person, and the takings of today. */
export function showOverview({ overviews, clock }: OverviewDeps): Promise<Overview> {
  const now = clock.now()
  return overviews.overview(dayOf(now), lastBillDay(now), now)
}

/** The takings of this many days in Beijing, newest first. The first one is today. */
export function showTakings(
  { overviews, clock }: OverviewDeps,
  days: number,
): Promise<readonly Takings[]> {
  const today = dayOf(clock.now())
  return overviews.takings(plusDays(today, 1 - days), today)
}

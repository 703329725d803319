import { waitForAll } from '../core/wait-for-all.ts'
import type { Deps } from '../ports.ts'
import { deliver } from './deliver.ts'
import { reconcileOrder, reconcileRefund } from './reconcile-unfinished.ts'
import { createGuard } from './guard.ts'
import { refreshDueSettlements } from './refresh-settlement.ts'
import { shipDue } from './ship.ts'
import { watchDueComplaints } from './watch-complaints.ts'

const A_FEW = 3

/** The client on the payment page queries its order itself. Catching up is for those that left. */
const LEFT_ALONE_MS = 5 * 60_000
/** With less time left no work begins: a call would be cut short and count as failed. */
const LEAST_MS = 20_000

/**
 * Does a little of cron's work after ordinary requests, because the smallest plan runs cron only
 * once a day. An instance pauses between two rounds, and handles a few rows of each kind in a
 * round. No caller waits for it.
 */
export async function catchUp(deps: Deps): Promise<void> {
  if (deps.clock.timeLeft() < LEAST_MS || !deps.isCatchUpDue()) return
  const now = deps.clock.now()
  const quietSince = new Date(now.getTime() - LEFT_ALONE_MS)
  const guard = createGuard(deps)
  await waitForAll<unknown>([
    deliver(deps),
    shipDue(deps, A_FEW, guard),
    refreshDueSettlements(deps, A_FEW, guard),
    watchDueComplaints(deps, A_FEW, guard),
    deps.ledger
      .takeUnfinished(A_FEW, quietSince, now)
      .then((orders) => waitForAll(orders.map((order) => reconcileOrder(deps, order, guard)))),
    deps.refunds
      .takeUnfinished(A_FEW, quietSince, now)
      .then((refunds) => waitForAll(refunds.map((refund) => reconcileRefund(deps, refund, guard)))),
  ])
}

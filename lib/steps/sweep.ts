import type { Day } from '../core/day.ts'
import type { Failure } from '../core/failure.ts'
import { waitForAll } from '../core/wait-for-all.ts'
import { isPaid } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { BillResult, Deps } from '../ports.ts'
import { deliver } from './deliver.ts'
import { reconcileOrder, reconcileRefund } from './reconcile-unfinished.ts'
import { createGuard, type Guard } from './guard.ts'
import { reconcileAgain, reconcileDue } from './reconcile-bill.ts'
import { shipDue } from './ship.ts'

export interface Swept {
  readonly settled: number
  readonly closed: number
  readonly refunded: number
  readonly delivered: number
  readonly reconciled: number
}

/** Nothing new begins after this, so that the run ends well within the function's 300 seconds. */
const BUDGET_MS = 240_000

/**
 * When each part ends its first turn, counted from the beginning: thousands of orders, which one person can place, keep nobody
 * from their refund and no day from being compared. What is left then has the rest of the time.
 */
const TURN_ENDS_MS = { orders: 60_000, refunds: 80_000, shipments: 100_000, bills: 225_000 }

/** Far below what WeChat allows one merchant a second. */
const AT_ONCE = 8

/** So many in a row without an answer, or told to slow down: the rest would only make it worse. */
const GIVE_UP_AFTER = 2 * AT_ONCE
const NO_ANSWER: readonly string[] = [
  'wechat_unknown',
  'wechat_busy',
  'unavailable',
  'not_configured',
] satisfies Failure['reason'][]

/**
 * What nobody reported: asks WeChat about every unfinished order and refund, settles what was paid, closes what has
 * expired, tells WeChat what was shipped, delivers what is due, and compares the bills of past days. Harmless to run twice at once: each change happens
 * once, whoever is first.
 *
 * What one unit or one part throws does not stop the others. It makes the answer a failure, after everything else is done.
 */
export async function sweep(deps: Deps): Promise<Result<Swept, Failure>> {
  const thrown: Failure[] = []
  const guard = createGuard(deps, (failure) => void thrown.push(failure))
  const startedAt = deps.clock.now()
  const until = (ms: number) => () => deps.clock.now().getTime() < startedAt.getTime() + ms
  const isTimeLeft = until(BUDGET_MS)
  let [settled, closed, refunded, delivered] = [0, 0, 0, 0]

  const finishOrders = (isTime: () => boolean) =>
    finishAll(
      () => deps.ledger.takeUnfinished(AT_ONCE, startedAt, startedAt),
      (order) => reconcileOrder(deps, order, guard),
      isTime,
      guard,
      (was, now) => {
        if (isPaid(now)) settled += 1
        else if (now.tradeState === 'CLOSED' && was.tradeState === 'NOTPAY') closed += 1
      },
    )
  const finishRefunds = (isTime: () => boolean) =>
    finishAll(
      () => deps.refunds.takeUnfinished(AT_ONCE, startedAt, startedAt),
      (refund) => reconcileRefund(deps, refund, guard),
      isTime,
      guard,
      (_, now) => void (now.refundStatus === 'SUCCESS' && (refunded += 1)),
    )
  const ordersLeft = await finishOrders(until(TURN_ENDS_MS.orders))
  const refundsLeft = await finishRefunds(until(TURN_ENDS_MS.refunds))
  const isShipping = until(TURN_ENDS_MS.shipments)
  for (let more = true; more && isShipping();) {
    const taken = await guard(null, async () => ok(await shipDue(deps, AT_ONCE, guard)))
    more = taken.ok && taken.value > 0
  }
  const compared = await guard(null, async () =>
    ok(await reconcileDue(deps, startedAt.getTime() + TURN_ENDS_MS.bills, guard)),
  )
  const bills = compared.ok ? compared.value : { settled: 0, reconciled: 0 }
  for (let more = true; more && isTimeLeft();) {
    const batch = await guard(null, async () => ok(await deliver(deps, isTimeLeft, guard)))
    if (batch.ok) delivered += batch.value.delivered
    more = batch.ok && batch.value.taken > 0
  }
  const isUnfinished = [
    ordersLeft && (await finishOrders(isTimeLeft)),
    refundsLeft && (await finishRefunds(isTimeLeft)),
  ].includes(true)
  if (isUnfinished) deps.log({ event: 'sweep_unfinished' })
  const failure = thrown.find(({ reason }) => reason === 'internal_error') ?? thrown[0]
  if (failure !== undefined) return err(failure)
  return ok({
    settled: settled + bills.settled,
    closed,
    refunded,
    delivered,
    reconciled: bills.reconciled,
  })
}

/** The same answer for a single day compared on demand, and what came of it. */
export async function sweepBill(
  deps: Deps,
  day: Day,
): Promise<Result<Swept & { readonly bill: BillResult & { readonly day: Day } }, Failure>> {
  const compared = await reconcileAgain(deps, day)
  if (!compared.ok) return compared
  return ok({
    settled: compared.value.settled,
    closed: 0,
    refunded: 0,
    delivered: 0,
    reconciled: 1,
    bill: { day, ...compared.value },
  })
}

/**
 * Takes and finishes, a few at once, until none is left, time is up, or WeChat or the database does not answer any more.
 * Returns true if time was up.
 */
async function finishAll<T>(
  take: () => Promise<readonly T[]>,
  finish: (one: T) => Promise<Result<T, Failure>>,
  isTime: () => boolean,
  guard: Guard,
  note: (was: T, now: T) => void,
): Promise<boolean> {
  for (let unanswered = 0; isTime();) {
    const taken = await guard(null, async () => ok(await take()))
    if (!taken.ok || taken.value.length === 0) return false
    const finished = await waitForAll(
      taken.value.map(async (was) => ({ was, now: await finish(was) })),
    )
    for (const { was, now } of finished) {
      unanswered = !now.ok && NO_ANSWER.includes(now.error.reason) ? unanswered + 1 : 0
      if (now.ok) note(was, now.value)
    }
    if (unanswered >= GIVE_UP_AFTER) return false
  }
  return true
}

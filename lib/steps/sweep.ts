import type { Day } from '../core/day.ts'
import { describeFailure } from '../core/describe-failure.ts'
import type { Failure } from '../core/failure.ts'
import { waitForAll } from '../core/wait-for-all.ts'
import { isPaid } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { BillResult, Deps } from '../ports.ts'
import { checkTradeManagement } from './check-trade-management.ts'
import { deliver } from './deliver.ts'
import { reconcileOrder, reconcileRefund } from './reconcile-unfinished.ts'
import { createGuard, type Guard } from './guard.ts'
import { refreshDueSettlements } from './refresh-settlement.ts'
import { reconcileAgain, reconcileDue } from './reconcile-bill.ts'
import { shipDue } from './ship.ts'
import { findMissedComplaints, watchDueComplaints } from './watch-complaints.ts'

export interface Swept {
  readonly settled: number
  readonly closed: number
  readonly refunded: number
  readonly delivered: number
  readonly reconciled: number
}

/** No unit begins after this, so that the run ends well within the function's 300 seconds. */
const BUDGET_MS = 240_000

/**
 * The time from the beginning of the run at which each part ends its first turn, so that thousands
 * of unfinished orders delay no refund and no comparison. The work that is left after that has the
 * rest of the time.
 */
const TURN_ENDS_MS = {
  orders: 60_000,
  refunds: 80_000,
  shipments: 100_000,
  settlements: 110_000,
  complaints: 120_000,
  bills: 225_000,
}

/**
 * The most orders that one run asks about. A settlement takes days, and WeChat has a daily quota.
 */
const MOST_SETTLEMENTS = 80

/** Far below what WeChat allows one merchant a second. */
const AT_ONCE = 8

/**
 * After this many units in a row that got no answer or were told to slow down, further calls would
 * only add to the load.
 */
const GIVE_UP_AFTER = 2 * AT_ONCE
const NO_ANSWER: readonly string[] = [
  'wechat_unknown',
  'wechat_busy',
  'unavailable',
  'not_configured',
] satisfies Failure['reason'][]

/** Such an order or refund costs no call, and says nothing about the others. */
const isOfOtherAccount = (failure: Failure): boolean =>
  failure.reason === 'not_configured' && failure.why === 'account'

/**
 * Asks WeChat about every unfinished order and refund, settles what was paid, closes what has
 * expired, and reports to WeChat what was shipped. Finds complaints, warns of their deadlines,
 * delivers the events that are due, and compares the bills of past days. Two runs at the same time
 * are harmless: each change happens once.
 *
 * An error that one unit or one part throws does not stop the others. It makes the answer a
 * failure, after everything else is done.
 */
export async function sweep(deps: Deps): Promise<Outcome<Swept>> {
  const thrown: Failure[] = []
  const guard = createGuard(deps, (failure) => void thrown.push(failure))
  const startedAt = deps.clock.now()
  const until = (ms: number) => () => deps.clock.now().getTime() < startedAt.getTime() + ms
  const isTimeLeft = until(BUDGET_MS)
  const swept = { ...NOTHING }

  const finishOrders = (isTime: () => boolean) =>
    finishAll(
      () => deps.ledger.takeUnfinished(AT_ONCE, startedAt, startedAt),
      (order) => reconcileOrder(deps, order, guard),
      isTime,
      guard,
      (was, now) => {
        if (isPaid(now)) swept.settled += 1
        else if (now.tradeState === 'CLOSED' && was.tradeState === 'NOTPAY') swept.closed += 1
      },
    )
  const finishRefunds = (isTime: () => boolean) =>
    finishAll(
      () => deps.refunds.takeUnfinished(AT_ONCE, startedAt, startedAt),
      (refund) => reconcileRefund(deps, refund, guard),
      isTime,
      guard,
      (_, now) => void (swept.refunded += now.refundStatus === 'SUCCESS' ? 1 : 0),
    )
  const ordersLeft = await finishOrders(until(TURN_ENDS_MS.orders))
  const refundsLeft = await finishRefunds(until(TURN_ENDS_MS.refunds))
  await repeat(until(TURN_ENDS_MS.shipments), guard, async () => {
    return (await shipDue(deps, AT_ONCE, guard)) > 0
  })
  let asked = 0
  await repeat(until(TURN_ENDS_MS.settlements), guard, async () => {
    asked += AT_ONCE
    return (await refreshDueSettlements(deps, AT_ONCE, guard)) > 0 && asked < MOST_SETTLEMENTS
  })
  await sweepComplaints(deps, until(TURN_ENDS_MS.complaints), guard)
  await guard({ event: 'trade_not_asked' }, () => checkTradeManagement(deps))
  await guard(null, async () => {
    const bills = await reconcileDue(deps, startedAt.getTime() + TURN_ENDS_MS.bills, guard)
    swept.settled += bills.settled
    swept.reconciled = bills.reconciled
    return ok(null)
  })
  await repeat(isTimeLeft, guard, async () => {
    const { taken, delivered } = await deliver(deps, isTimeLeft, guard)
    swept.delivered += delivered
    return taken > 0
  })
  const areOrdersLeft = ordersLeft && (await finishOrders(isTimeLeft))
  const areRefundsLeft = refundsLeft && (await finishRefunds(isTimeLeft))
  if (areOrdersLeft || areRefundsLeft) deps.log({ event: 'sweep_unfinished' })
  const failure = thrown.find(({ reason }) => reason === 'internal_error') ?? thrown[0]
  return failure === undefined ? ok(swept) : err(failure)
}

async function sweepComplaints(deps: Deps, isTime: () => boolean, guard: Guard): Promise<void> {
  await guard({ event: 'complaints_not_listed' }, async () => {
    const listed = await findMissedComplaints(deps, isTime)
    if (!listed.ok) deps.log({ event: 'complaints_not_listed', ...describeFailure(listed.error) })
    return listed
  })
  await repeat(isTime, guard, async () => (await watchDueComplaints(deps, AT_ONCE, guard)) > 0)
}

const NOTHING: Swept = { settled: 0, closed: 0, refunded: 0, delivered: 0, reconciled: 0 }

/**
 * The same answer for a single day that is compared on demand, with the result of the comparison.
 */
export async function sweepBill(
  deps: Deps,
  day: Day,
): Promise<Outcome<Swept & { readonly bill: BillResult & { readonly day: Day } }>> {
  const compared = await reconcileAgain(deps, day)
  if (!compared.ok) return compared
  const { settled } = compared.value
  return ok({ ...NOTHING, settled, reconciled: 1, bill: { day, ...compared.value } })
}

/**
 * Takes and finishes a few at a time, until none is left, time is up, or WeChat or the database
 * does not answer any more. Returns true if time was up.
 */
function finishAll<T>(
  take: () => Promise<readonly T[]>,
  finish: (one: T) => Promise<Outcome<T>>,
  isTime: () => boolean,
  guard: Guard,
  count: (was: T, now: T) => void,
): Promise<boolean> {
  let unanswered = 0
  return repeat(isTime, guard, async () => {
    const taken = await take()
    const finished = await waitForAll(taken.map(async (was) => ({ was, now: await finish(was) })))
    for (const { was, now } of finished) {
      if (!now.ok && isOfOtherAccount(now.error)) continue
      unanswered = !now.ok && NO_ANSWER.includes(now.error.reason) ? unanswered + 1 : 0
      if (now.ok) count(was, now.value)
    }
    return taken.length > 0 && unanswered < GIVE_UP_AFTER
  })
}

/**
 * Repeats the work until it returns false or throws, or time is up. Returns true if time was up.
 */
async function repeat(
  isTime: () => boolean,
  guard: Guard,
  work: () => Promise<boolean>,
): Promise<boolean> {
  while (isTime()) {
    const more = await guard(null, async () => ok(await work()))
    if (!more.ok || !more.value) return false
  }
  return true
}

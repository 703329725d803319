import type { Day } from '../core/day.ts'
import type { Failure } from '../core/failure.ts'
import { allDone } from '../core/all-done.ts'
import { isPaid } from '../core/order.ts'
import { ok, type Result } from '../core/result.ts'
import type { BillResult, Deps } from '../ports.ts'
import { deliver } from './deliver.ts'
import { finishOrder, finishRefund } from './finish.ts'
import { reconcileAgain, reconcileDue } from './reconcile.ts'
import { shipDue } from './ship.ts'

export interface Swept {
  readonly settled: number
  readonly closed: number
  readonly refunded: number
  readonly delivered: number
  readonly reconciled: number
}

/** Begins nothing new after this, so that the run ends well within the function's minute. */
const BUDGET_MS = 40_000

/** The latest end of what was begun in time, less than the function's minute. */
const END_MS = 55_000

/** Far below what WeChat allows one merchant a second. */
const AT_ONCE = 8

/** So many in a row without an answer, or told to slow down: the rest would only make it worse. */
const GIVE_UP_AFTER = 2 * AT_ONCE

/**
 * What nobody reported: asks WeChat about every unfinished order and refund, settles what was paid, closes what has
 * expired, tells WeChat what was shipped, delivers what is due, and compares the bills of past days. Harmless to run twice at once: each change happens
 * once, whoever is first.
 */
export async function sweep(deps: Deps): Promise<Swept> {
  const startedAt = deps.clock.now()
  const isTimeLeft = () => deps.clock.now().getTime() < startedAt.getTime() + BUDGET_MS
  let [settled, closed, refunded, delivered] = [0, 0, 0, 0]

  const orders = finishAll(
    () => deps.ledger.takeUnfinished(AT_ONCE, startedAt, startedAt),
    (order) => finishOrder(deps, order),
    isTimeLeft,
  )
  for await (const { was, now } of orders) {
    if (isPaid(now)) settled += 1
    else if (now.tradeState === 'CLOSED' && was.tradeState === 'NOTPAY') closed += 1
  }
  const refunds = finishAll(
    () => deps.refunds.takeUnfinished(AT_ONCE, startedAt, startedAt),
    (refund) => finishRefund(deps, refund),
    isTimeLeft,
  )
  for await (const { now } of refunds) if (now.refundStatus === 'SUCCESS') refunded += 1
  while (isTimeLeft() && (await shipDue(deps, AT_ONCE)) > 0);
  const bills = isTimeLeft() ? await reconcileDue(deps, startedAt.getTime() + END_MS) : { reconciled: 0, settled: 0 }
  // Last, for it is the only part that needs the merchant's settings.
  for (let more = true; more && isTimeLeft();) {
    const batch = await deliver(deps)
    delivered += batch.delivered
    more = batch.taken > 0
  }
  return { settled: settled + bills.settled, closed, refunded, delivered, reconciled: bills.reconciled }
}

/** The same answer for a single day compared on demand, and what came of it. */
export async function sweepBill(
  deps: Deps,
  day: Day,
): Promise<Result<Swept & { readonly bill: BillResult & { readonly day: Day } }, Failure>> {
  const compared = await reconcileAgain(deps, day)
  if (!compared.ok) return compared
  return ok({ settled: compared.value.settled, closed: 0, refunded: 0, delivered: 0, reconciled: 1, bill: { day, ...compared.value } })
}

/** Takes and finishes, a few at once, until none is left, time is up or nobody answers any more. */
async function* finishAll<T>(
  take: () => Promise<readonly T[]>,
  finish: (one: T) => Promise<Result<T, Failure>>,
  isTimeLeft: () => boolean,
): AsyncGenerator<{ was: T; now: T }> {
  for (let unanswered = 0; isTimeLeft() && unanswered < GIVE_UP_AFTER;) {
    const taken = await take()
    if (taken.length === 0) return
    const finished = await allDone(taken.map(async (was) => ({ was, now: await finish(was) })))
    for (const { was, now } of finished) {
      unanswered = !now.ok && (now.error.reason === 'wechat_unknown' || now.error.reason === 'wechat_busy') ? unanswered + 1 : 0
      if (now.ok) yield { was, now: now.value }
    }
  }
}

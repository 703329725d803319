import { dayOf, lastBillDay, minusMonths, plusDays, type Day } from '../core/day.ts'
import { describeFailure } from '../core/describe-failure.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { BillClaim, BilledRefund, BillResult, Deps } from '../ports.ts'
import {
  adoptUnknown,
  compareBatch,
  tooDifferent,
  unbilledPayment,
  unbilledRefund,
  type BillDeps,
} from './compare-bill.ts'
import { createGuard, type Guard } from './guard.ts'
import { createDifferenceList, MOST_INCIDENTS, type DifferenceList } from './list-differences.ts'
import { mapConcurrently } from './map-concurrently.ts'
import { recordIncident } from './record-incident.ts'

/** Missed days are compared for this long. Older ones are compared on demand only. */
const LOOK_BACK_DAYS = 7

/**
 * A day is compared again for as long as this if WeChat does not confirm a refund of its bill, so
 * that a fault of its refund query loses no refund. After that the refund is left to a person.
 * Shorter than the look-back by a few days, so that cron completes the day.
 */
const CONFIRMED_WITHIN_DAYS = 4

/** How long WeChat keeps bills for this call. */
const KEPT_MONTHS = 3

/**
 * Deadline of one comparison. A bill of a million rows takes about 50 seconds, and the function may
 * run for 300.
 */
const COMPARISON_MS = 150_000

/**
 * With less time left no comparison begins: WeChat may take 15 seconds to send the first byte of a
 * bill.
 */
const LEAST_MS = 20_000

/** Longer than any function may run: when the lease expires, its run has ended. */
const LEASE_MS = 330_000

/** The maximum difference between WeChat's time of a payment and the ledger's. */
const MARGIN_MS = 5 * 60_000

/**
 * A bill with too many differences is read only for this part of the time. Some of its differences
 * are enough for a person, but a comparison that never finishes records no incident.
 */
const TIME_FOR_TOO_MANY = 2 / 3

const RECORDED_AT_ONCE = 8

/**
 * Compares the days that are due, oldest first: yesterday, once it is ten in the morning, and the
 * days of the week before that were missed. Returns how many days were compared and how many
 * payments were settled. A day that fails is compared again in the next run.
 */
export async function reconcileDue(
  deps: BillDeps,
  until: number,
  guard: Guard,
): Promise<{ readonly reconciled: number; readonly settled: number }> {
  const now = deps.clock.now()
  const today = dayOf(now)
  const last = lastBillDay(now)
  const isReady = last === plusDays(today, -1)
  await logNeverCompared(deps, today)
  const days = await deps.bills.due(plusDays(today, -LOOK_BACK_DAYS), last, isReady ? last : null)
  let [reconciled, settled] = [0, 0]
  for (const day of days) {
    const leftMs = until - deps.clock.now().getTime()
    if (leftMs < LEAST_MS) break
    const compared = await guard(null, () => reconcileDay(deps, day, 'once', leftMs, guard))
    if (compared.ok) {
      reconciled += 1
      settled += compared.value.settled
    } else if (compared.error.reason !== 'bill_busy') {
      const { detail, ...why } = describeFailure(compared.error)
      deps.log({ event: 'bill_not_compared', ...why, detail: [day, detail].join(' ').trim() })
    }
  }
  return { reconciled, settled }
}

/**
 * Logs the days that cron no longer compares. WeChat still has their bills, so a person can have
 * them compared.
 */
async function logNeverCompared(deps: BillDeps, today: Day): Promise<void> {
  const days = await deps.bills.due(
    minusMonths(today, KEPT_MONTHS),
    plusDays(today, -LOOK_BACK_DAYS - 1),
    null,
  )
  const [first, last] = [days[0], days.at(-1)]
  if (first !== undefined && last !== undefined)
    deps.log({
      event: 'bill_never_compared',
      count: days.length,
      detail: first === last ? first : `${first} to ${last}`,
    })
}

/** Compares one day again, whatever the result of an earlier comparison was. */
export async function reconcileAgain(
  deps: BillDeps & Pick<Deps, 'logBug'>,
  day: Day,
): Promise<Outcome<BillResult>> {
  const today = dayOf(deps.clock.now())
  const refused = (expected: string) =>
    err({ reason: 'invalid_request', field: 'bill', expected } as const)
  if (day >= today) return refused('a day that is over in Beijing')
  if (day < minusMonths(today, KEPT_MONTHS))
    return refused('a day of the last three months: WeChat gives no older bill')
  return reconcileDay(deps, day, 'again', COMPARISON_MS, createGuard(deps))
}

/**
 * Compares the bill of one day with the ledger, row by row, and stores the result.
 *
 * The claim keeps two runs from the same day. Differences are recorded only once the bill was read
 * to its end and was complete. Until then only marks change, and payments and refunds that WeChat
 * confirms.
 */
async function reconcileDay(
  deps: BillDeps,
  day: Day,
  wanted: 'once' | 'again',
  withinMs: number,
  guard: Guard,
): Promise<Outcome<BillResult>> {
  const at = deps.clock.now()
  const claim = await deps.bills.claim(day, wanted, at, new Date(at.getTime() + LEASE_MS))
  if (claim === null) return err({ reason: 'bill_busy' })
  let compared: Outcome<BillResult> | undefined
  try {
    compared = await compareBill(deps, claim, Math.min(withinMs, COMPARISON_MS), guard)
    if (!compared.ok) return compared
    const isOurs = await deps.bills.finish(claim, compared.value, deps.clock.now())
    return isOurs ? compared : err({ reason: 'bill_busy' })
  } finally {
    // So the next run need not wait for the lease. If the database is down, it must wait.
    const isWrong = compared?.ok === false && compared.error.reason === 'wechat_untrusted'
    if (compared?.ok !== true)
      await deps.bills.giveBack(claim, isWrong ? 'void' : 'kept').catch(() => undefined)
  }
}

async function compareBill(
  deps: BillDeps,
  claim: BillClaim,
  withinMs: number,
  guard: Guard,
): Promise<Outcome<BillResult>> {
  const startedAt = deps.clock.now().getTime()
  const differences = createDifferenceList(deps.bills, claim)
  const isLate = (part = 1) => deps.clock.now().getTime() > startedAt + withinMs * part
  const isEnough = () =>
    differences.isFull() || (differences.isTooLong() && isLate(TIME_FOR_TOO_MANY))
  const unknown: BilledRefund[] = []
  const sums = { payments: 0, totalFee: 0, refunds: 0, refundFee: 0, settled: 0 }
  let outcome: BillResult['outcome'] = 'empty'
  for await (const batch of deps.gateway(deps.account).readBill(claim.day, withinMs)) {
    if (!batch.ok) return batch
    outcome = 'compared'
    const found = await compareBatch(deps, claim, batch.value, guard)
    if (!found.ok) return found
    sums.payments += found.value.payments
    sums.totalFee += found.value.totalFee
    sums.refunds += found.value.refunds
    sums.refundFee += found.value.refundFee
    sums.settled += found.value.settled
    await differences.add(found.value.differences)
    if (!differences.isTooLong()) unknown.push(...found.value.unknown)
    if (isEnough()) break
    if (isLate()) return err({ reason: 'too_slow' })
  }
  for await (const page of findUnbilled(deps, claim)) {
    if (isEnough()) break
    if (isLate()) return err({ reason: 'too_slow' })
    await differences.add(page)
  }
  await recordIncidents(deps, claim, differences)
  if (differences.isTooLong()) outcome = 'too_different'
  else {
    const unconfirmed = await adoptUnknown(deps, unknown, guard)
    if (!unconfirmed.ok) return unconfirmed
    const isRecent = claim.day > plusDays(dayOf(deps.clock.now()), -CONFIRMED_WITHIN_DAYS)
    if (unconfirmed.value > 0 && isRecent) return err({ reason: 'wechat_unknown' })
  }
  return ok({ outcome, ...sums, differences: differences.count() })
}

/** The payments and refunds of the ledger that the bill lacks. */
async function* findUnbilled({ bills, account }: BillDeps, claim: BillClaim) {
  for await (const payments of bills.unbilledPayments(claim, account, MARGIN_MS))
    yield payments.map(unbilledPayment)
  for await (const refunds of bills.unbilledRefunds(claim, account, MARGIN_MS))
    yield refunds.map(unbilledRefund)
}

const recordIncidents = (deps: BillDeps, { day }: BillClaim, differences: DifferenceList) =>
  mapConcurrently(
    differences.isTooLong() ? [tooDifferent(day, MOST_INCIDENTS)] : differences.first(),
    RECORDED_AT_ONCE,
    (difference) => recordIncident(deps, { ...difference, source: 'cron' }, 'bill_differs'),
  )

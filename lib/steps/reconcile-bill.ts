import { describeFailure } from '../core/describe-failure.ts'
import { dayOf, minusMonths, plusDays, startOf, type Day } from '../core/day.ts'
import type { Failure } from '../core/failure.ts'
import { parseOutRefundNo } from '../core/ids.ts'
import { err, ok, type Result } from '../core/result.ts'
import type {
  BillClaim,
  BilledOther,
  BilledPayment,
  BilledRefund,
  BillResult,
  BillRow,
  Deps,
} from '../ports.ts'
import { adopt } from './adopt-refund.ts'
import { queryEach } from './query-each.ts'
import {
  tooDifferent,
  unbilledPayment,
  unbilledRefund,
  unknownRow,
  type Difference,
} from './bill-difference.ts'
import { comparePayments, compareRefunds } from './compare-bill.ts'
import { createGuard, type Guard } from './guard.ts'
import { mapConcurrently } from './map-concurrently.ts'

/** WeChat has made yesterday's bill by ten in the morning, Beijing time. */
const READY_AFTER_MS = 10 * 3_600_000

/** How far missed days are made up for. Later than that only on demand. */
const LOOK_BACK_DAYS = 7

/**
 * A day is compared again for as long as this if WeChat does not confirm a refund of its bill, so that a fault of its refund
 * query loses no refund. After that the refund is left to a person. Shorter than the look-back by a few days, so that cron
 * completes the day.
 */
const CONFIRMED_WITHIN_DAYS = 4

/** How long WeChat keeps bills for this call. */
const KEPT_MONTHS = 3

/** Deadline of one comparison. A bill of a million rows takes about 50 seconds, and the function may run for 300. */
const COMPARISON_MS = 150_000

/** With less time left no comparison begins: WeChat may take 15 seconds to send the first byte of a bill. */
const LEAST_MS = 20_000

/** Longer than any function may run: when the lease expires, its run has ended. */
const LEASE_MS = 330_000

/** WeChat and the ledger may date a payment at midnight differently by so much. */
const MARGIN_MS = 5 * 60_000

/** Nobody looks into more than this one by one: then it is not payments that are amiss, but the merchant or the database. */
const MOST_DIFFERENCES = 500

const RECORDED_AT_ONCE = 8

/**
 * Compares the days that are due, oldest first: yesterday from ten on, and what was missed in the week before. Returns how
 * many were compared and how many payments came to light. A day that fails is tried again in the next run.
 */
export async function reconcileDue(
  deps: Deps,
  until: number,
  guard: Guard,
): Promise<{ readonly reconciled: number; readonly settled: number }> {
  const now = deps.clock.now()
  const today = dayOf(now)
  const isReady = now.getTime() - startOf(today).getTime() >= READY_AFTER_MS
  await tellNeverCompared(deps, today)
  const days = await deps.bills.due(
    plusDays(today, -LOOK_BACK_DAYS),
    plusDays(today, isReady ? -1 : -2),
    isReady ? plusDays(today, -1) : null,
  )
  let [reconciled, settled] = [0, 0]
  for (const day of days) {
    const leftMs = until - deps.clock.now().getTime()
    if (leftMs < LEAST_MS) break
    const compared = await guard(null, () => reconcile(deps, day, 'once', leftMs, guard))
    if (compared.ok) {
      reconciled += 1
      settled += compared.value.settled
    } else if (compared.error.reason !== 'bill_busy') {
      const { detail, ...why } = describeFailure(compared.error)
      deps.log({
        event: 'bill_not_compared',
        ...why,
        detail: detail === undefined ? day : `${day} ${detail}`,
      })
    }
  }
  return { reconciled, settled }
}

/** Logs the days that cron no longer compares. WeChat still has their bills, so a person can have them compared. */
async function tellNeverCompared(deps: Deps, today: Day): Promise<void> {
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

/** Compares one day again, whatever came of it before. */
export async function reconcileAgain(deps: Deps, day: Day): Promise<Result<BillResult, Failure>> {
  const today = dayOf(deps.clock.now())
  if (day >= today)
    return err({
      reason: 'invalid_request',
      field: 'bill',
      expected: 'a day that is over in Beijing',
    })
  if (day < minusMonths(today, KEPT_MONTHS))
    return err({
      reason: 'invalid_request',
      field: 'bill',
      expected: 'a day of the last three months: WeChat gives no older bill',
    })
  return reconcile(deps, day, 'again', COMPARISON_MS, createGuard(deps))
}

/**
 * Compares the bill of one day with the ledger, row by row, and stores the result.
 *
 * The claim keeps two runs from the same day. What is found is recorded only once the bill has been read to its end and was
 * whole; until then it changes nothing but marks, and what WeChat, asked, has signed for.
 */
async function reconcile(
  deps: Deps,
  day: Day,
  wanted: 'once' | 'again',
  withinMs: number,
  guard: Guard,
): Promise<Result<BillResult, Failure>> {
  const at = deps.clock.now()
  const claim = await deps.bills.claim(day, wanted, at, new Date(at.getTime() + LEASE_MS))
  if (claim === null) return err({ reason: 'bill_busy' })
  let compared: Result<BillResult, Failure> | undefined
  try {
    compared = await compare(deps, claim, Math.min(withinMs, COMPARISON_MS), guard)
    if (!compared.ok) return compared
    const isOurs = await deps.bills.finish(claim, compared.value, deps.clock.now())
    return isOurs ? compared : err({ reason: 'bill_busy' })
  } finally {
    // Whatever ended it, the next run need not wait for the lease. With the database gone it must, and can.
    const isWrong = compared?.ok === false && compared.error.reason === 'wechat_untrusted'
    if (compared?.ok !== true)
      await deps.bills.giveBack(claim, isWrong ? 'void' : 'kept').catch(() => undefined)
  }
}

async function compare(
  deps: Deps,
  claim: BillClaim,
  withinMs: number,
  guard: Guard,
): Promise<Result<BillResult, Failure>> {
  const until = deps.clock.now().getTime() + withinMs
  const differences: Difference[] = []
  const unknown: BilledRefund[] = []
  let [payments, refunds, settled, isEmpty] = [0, 0, 0, true]
  const result = (outcome: BillResult['outcome']) =>
    ok({ outcome, payments, refunds, settled, differences: differences.length })

  for await (const batch of deps.gateway(deps.account).readBill(claim.day, withinMs)) {
    if (!batch.ok) return batch
    isEmpty = false
    const rows = sort(batch.value)
    payments += rows.payments.length
    refunds += rows.refunds.length
    // Payments first: a refund can only be taken in hand for an order that is paid.
    const paid = await comparePayments(deps, claim, rows.payments, guard)
    if (!paid.ok) return paid
    const givenBack = await compareRefunds(deps, claim, rows.refunds, guard)
    if (!givenBack.ok) return givenBack
    settled += paid.value.settled
    differences.push(
      ...paid.value.differences,
      ...givenBack.value.differences,
      ...rows.others.map(unknownRow),
    )
    unknown.push(...givenBack.value.unknown)
    if (differences.length > MOST_DIFFERENCES) break
    if (deps.clock.now().getTime() > until) return err({ reason: 'too_slow' })
  }
  if (differences.length <= MOST_DIFFERENCES) {
    const [missing, missingRefunds] = await Promise.all([
      deps.bills.unbilledPayments(claim, MARGIN_MS, MOST_DIFFERENCES + 1),
      deps.bills.unbilledRefunds(claim, MARGIN_MS, MOST_DIFFERENCES + 1),
    ])
    differences.push(...missing.map(unbilledPayment), ...missingRefunds.map(unbilledRefund))
  }
  if (differences.length > MOST_DIFFERENCES) {
    await record(deps, [tooDifferent(claim.day, MOST_DIFFERENCES)])
    return result('too_different')
  }
  await record(deps, differences)
  const unconfirmed = await takeUnknown(deps, unknown, guard)
  if (!unconfirmed.ok) return unconfirmed
  const isRecent = claim.day > plusDays(dayOf(deps.clock.now()), -CONFIRMED_WITHIN_DAYS)
  if (unconfirmed.value > 0 && isRecent) return err({ reason: 'wechat_unknown' })
  return result(isEmpty ? 'empty' : 'compared')
}

function sort(rows: readonly BillRow[]) {
  const [payments, refunds, others]: [BilledPayment[], BilledRefund[], BilledOther[]] = [[], [], []]
  for (const row of rows) {
    if (row.kind === 'payment') payments.push(row)
    else if (row.kind === 'refund') refunds.push(row)
    else others.push(row)
  }
  return { payments, refunds, others }
}

async function record(deps: Deps, differences: readonly Difference[]): Promise<void> {
  const at = deps.clock.now()
  await mapConcurrently(differences, RECORDED_AT_ONCE, (difference) =>
    deps.ledger.recordIncident({ ...difference, source: 'cron', at }),
  )
  for (const { kind, outTradeNo } of differences)
    deps.log({
      event: 'incident',
      reason: 'bill_differs',
      detail: kind,
      ...(outTradeNo === null ? {} : { order: outTradeNo }),
    })
}

/**
 * Refunds that were not requested here. Each is an incident already; it is also counted, so that what is refunded never exceeds
 * what was paid. Returns how many WeChat does not confirm.
 */
async function takeUnknown(
  deps: Deps,
  rows: readonly BilledRefund[],
  guard: Guard,
): Promise<Result<number, Failure>> {
  const refusals = new Map<BilledRefund, Failure>()
  const take = async (row: BilledRefund): Promise<Result<unknown, Failure>> => {
    const outRefundNo = parseOutRefundNo(row.outRefundNo)
    const taken = outRefundNo.ok
      ? await guard(null, () => adopt(deps, outRefundNo.value, row.outTradeNo))
      : ok(null)
    if (taken.ok) refusals.delete(row)
    else refusals.set(row, taken.error)
    return taken
  }
  const asked = await queryEach(rows, take, () => deps.gateway(deps.account).probe('refund'))
  for (const [{ outTradeNo, outRefundNo }, failure] of refusals) {
    const { detail, ...why } = describeFailure(failure)
    deps.log({
      event: 'refund_not_finished',
      order: outTradeNo,
      ...why,
      detail: [outRefundNo, detail].join(' ').trim(),
    })
  }
  return asked.ok ? ok(refusals.size) : asked
}

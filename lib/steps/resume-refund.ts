import type { Failure } from '../core/failure.ts'
import { isWaitingRefund, type Refund } from '../core/refund.ts'
import { describeRefusal } from '../core/describe-failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Deps, KnownRefund, RefundRefusal } from '../ports.ts'
import { applyKnownRefund, refreshRefund } from './refresh-refund.ts'
import { listRefunds, takeIn } from './take-in-refunds.ts'

/** Asks WeChat about a refund, and sends it again under its number if WeChat does not know it. A parked refund is never sent. */
export async function resumeRefund(deps: Deps, stored: Refund): Promise<Result<Refund, Failure>> {
  const fresh = await refreshRefund(deps, stored)
  if (!fresh.ok || !isWaitingRefund(fresh.value)) return fresh
  return fresh.value.isParked ? judgeParked(deps, fresh.value) : sendRefund(deps, stored)
}

/** Closes a parked refund if it has become impossible, so that its claim is free. Otherwise it waits for the merchant. */
async function judgeParked(deps: Deps, parked: Refund): Promise<Result<Refund, Failure>> {
  const listed = await listRefunds(deps, parked)
  if (!listed.ok) return listed
  const ours = listed.value.find(({ outRefundNo }) => outRefundNo === parked.outRefundNo)
  if (ours !== undefined) return applyKnownRefund(deps, parked, ours)
  if (!leavesTooLittle(listed.value, parked)) return ok(parked)
  const lastRefusal = {
    outcome: 'never',
    code: parked.errCode ?? 'refund_too_much',
    remedy: '',
    text: parked.errText ?? '',
  } as const
  return close(deps, parked, listed.value, tooLittle(lastRefusal))
}

export async function sendRefund(deps: Deps, claimed: Refund): Promise<Result<Refund, Failure>> {
  const answer = await deps.gateway(claimed.payment.account).sendRefund(claimed)
  if (!answer.ok) {
    const { error } = answer
    if (error.reason === 'wechat_misconfigured')
      await deps.refunds.postponed(claimed, error.code, error.text || null)
    return answer
  }
  if (answer.value.outcome === 'accepted')
    return ok(await deps.refunds.accepted(claimed, answer.value.refundId, deps.clock.now()))
  return answer.value.outcome === 'later'
    ? postpone(deps, claimed, answer.value)
    : decide(deps, claimed, answer.value)
}

/**
 * Decides whether a refusal is final, by the list of all refunds that WeChat has of the order. Refunds that were made in the
 * merchant console are stored in the ledger.
 */
async function decide(
  deps: Deps,
  claimed: Refund,
  refusal: RefundRefusal,
): Promise<Result<Refund, Failure>> {
  const listed = await listRefunds(deps, claimed)
  if (!listed.ok) return postpone(deps, claimed, refusal)
  const ours = listed.value.find(({ outRefundNo }) => outRefundNo === claimed.outRefundNo)
  if (ours !== undefined) return applyKnownRefund(deps, claimed, ours)
  const isImpossible = leavesTooLittle(listed.value, claimed)
  if (refusal.outcome === 'never' || isImpossible)
    return close(deps, claimed, listed.value, isImpossible ? tooLittle(refusal) : refusal)
  await takeIn(deps, claimed.payment, listed.value)
  return postpone(deps, claimed, refusal)
}

/**
 * Whether the refunds that have succeeded leave too little for this one. Then giving up its claim cannot pay twice: WeChat
 * never refunds more than was paid, and SUCCESS is final, so WeChat can neither accept a copy of ours that is still on its
 * way nor have accepted one that it does not list yet. A refund in PROCESSING or CHANGE does not count, because it may still
 * be closed, and then ours may be made.
 */
function leavesTooLittle(listed: readonly KnownRefund[], claimed: Refund): boolean {
  const given = listed
    .filter(({ refundStatus }) => refundStatus === 'SUCCESS')
    .reduce((sum, { refundFee }) => sum + refundFee, 0)
  return given + claimed.refundFee > claimed.payment.totalFee
}

const tooLittle = (refusal: RefundRefusal): RefundRefusal => ({
  ...refusal,
  remedy:
    'other refunds of this order leave too little of what was paid, for instance one made in the merchant console: look at the order there',
})

/** Frees the claim first, because it may block the other refunds. If the process dies in between, cron stores them: see `takeInRest`. */
async function close(
  deps: Deps,
  claimed: Refund,
  listed: readonly KnownRefund[],
  { code, remedy, text }: RefundRefusal,
): Promise<Result<Refund, Failure>> {
  const outcome = {
    refundStatus: 'REFUNDCLOSE',
    refundId: null,
    errCode: code,
    errText: text || null,
  } as const
  const closed = await deps.refunds.settle(claimed, outcome, deps.clock.now())
  if (closed.refundStatus !== 'REFUNDCLOSE') return ok(closed)
  deps.log({
    event: 'refund_refused',
    order: claimed.outTradeNo,
    code,
    detail: describeRefusal(remedy, text),
  })
  if (await takeIn(deps, claimed.payment, listed)) await deps.refunds.noteTakenIn(closed)
  return err({ reason: 'refund_refused', code, remedy, text })
}

async function postpone(
  deps: Deps,
  claimed: Refund,
  { code, remedy, text }: RefundRefusal,
): Promise<Result<Refund, Failure>> {
  deps.log({
    event: 'refund_postponed',
    order: claimed.outTradeNo,
    code,
    detail: describeRefusal(remedy, text),
  })
  return ok(await deps.refunds.postponed(claimed, code, text || null))
}

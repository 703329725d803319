import { describeRefusal } from '../core/describe-failure.ts'
import { isUnacceptedRefund, type Payment, type Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { KnownRefund, RefundRefusal } from '../ports.ts'
import {
  adoptMissingRefunds,
  applyKnownRefund,
  listRefunds,
  refreshRefund,
  type RefundDeps,
} from './refresh-refund.ts'

/**
 * Asks WeChat about a refund, and sends it again under its number if WeChat does not know it. A
 * parked refund is never sent. It is closed if it has become impossible, which frees its claim.
 */
export async function resumeRefund(deps: RefundDeps, stored: Refund): Promise<Outcome<Refund>> {
  const fresh = await refreshRefund(deps, stored)
  if (!fresh.ok || !isUnacceptedRefund(fresh.value)) return fresh
  if (!fresh.value.isParked) return sendRefund(deps, stored)
  const { errCode, errText } = fresh.value
  const code = errCode ?? 'refund_too_much'
  return judgeRefusal(deps, fresh.value, {
    outcome: 'refused',
    code,
    remedy: '',
    text: errText ?? '',
  })
}

export async function sendRefund(deps: RefundDeps, claimed: Refund): Promise<Outcome<Refund>> {
  const answer = await deps.gateway(claimed.payment.account).sendRefund(claimed)
  if (!answer.ok) {
    const { error } = answer
    if (error.reason === 'wechat_misconfigured')
      await deps.refunds.postponed(claimed, error.code, error.text || null)
    return answer
  }
  const { value } = answer
  if (value.outcome === 'later') return postponeRefund(deps, claimed, value)
  if (value.outcome !== 'accepted') return judgeRefusal(deps, claimed, value)
  return ok(await deps.refunds.accepted(claimed, value.refundId, deps.clock.now()))
}

/**
 * Decides whether a refusal is final, by the list of all refunds that WeChat has of the order.
 * Unless the refund stays parked, those that were made in the merchant console are stored.
 */
async function judgeRefusal(
  deps: RefundDeps,
  claimed: Refund,
  refusal: RefundRefusal,
): Promise<Outcome<Refund>> {
  const listed = await listRefunds(deps, claimed)
  if (!listed.ok) return claimed.isParked ? listed : postponeRefund(deps, claimed, refusal)
  const ours = listed.value.find(({ outRefundNo }) => outRefundNo === claimed.outRefundNo)
  if (ours !== undefined) return applyKnownRefund(deps, claimed, ours)
  if (leavesTooLittle(listed.value, claimed))
    return closeRefund(deps, claimed, listed.value, { ...refusal, remedy: TOO_LITTLE_LEFT })
  if (refusal.outcome === 'never') return closeRefund(deps, claimed, listed.value, refusal)
  if (claimed.isParked) return ok(claimed)
  await adoptMissingRefunds(deps, claimed.payment, listed.value)
  return postponeRefund(deps, claimed, refusal)
}

/**
 * WeChat has made a refund whose amount our refunds of the order have reserved. Closes those of
 * ours that no longer fit, even if WeChat does not answer. Asks WeChat about the others, and closes
 * those that it refuses.
 */
export async function makeRoomFor(
  deps: RefundDeps,
  { outTradeNo }: Payment,
  known: KnownRefund,
): Promise<void> {
  const stored = await deps.refunds.listByOrder(outTradeNo)
  for (const refund of stored.filter(isUnacceptedRefund)) {
    const { errCode, errText } = refund
    if (!leavesTooLittle([known, ...stored], refund)) await resumeRefund(deps, refund)
    else {
      const listed = await listRefunds(deps, refund)
      const code = errCode ?? 'refund_too_much'
      const refusal = {
        outcome: 'never',
        code,
        remedy: TOO_LITTLE_LEFT,
        text: errText ?? '',
      } as const
      await closeRefund(deps, refund, listed.ok ? listed.value : [known], refusal)
    }
  }
}

/**
 * Whether the refunds that have succeeded leave too little for this one. If so, its claim can be
 * freed without the risk that WeChat pays twice: WeChat never refunds more than was paid, and
 * SUCCESS is final. So WeChat can neither accept a copy of our request that is still on its way,
 * nor have accepted one that it does not list yet. A refund in PROCESSING or CHANGE does not count,
 * because it may still be closed, and then ours may be made.
 */
const leavesTooLittle = (
  others: readonly Pick<Refund, 'refundFee' | 'refundStatus'>[],
  claimed: Refund,
): boolean =>
  others
    .filter(({ refundStatus }) => refundStatus === 'SUCCESS')
    .reduce<number>((sum, { refundFee }) => sum + refundFee, claimed.refundFee) >
  claimed.payment.totalFee

const TOO_LITTLE_LEFT =
  'other refunds of this order leave too little of what was paid, for instance one made in the merchant console: look at the order there'

/**
 * Closes our refund before it stores the listed ones, because ours reserves their amount. If the
 * process dies between the two, cron stores the listed ones.
 */
async function closeRefund(
  deps: RefundDeps,
  claimed: Refund,
  listed: readonly KnownRefund[],
  refusal: RefundRefusal,
): Promise<Outcome<Refund>> {
  const { code, remedy, text } = refusal
  const outcome = { refundStatus: 'REFUNDCLOSE', refundId: null } as const
  const reason = { errCode: code, errText: text || null }
  const closed = await deps.refunds.settle(claimed, { ...outcome, ...reason }, deps.clock.now())
  if (closed.refundStatus !== 'REFUNDCLOSE') return ok(closed)
  logRefundRefusal(deps, 'refund_refused', claimed, refusal)
  if (await adoptMissingRefunds(deps, claimed.payment, listed))
    await deps.refunds.finishClosed(closed)
  return err({ reason: 'refund_refused', code, remedy, text })
}

async function postponeRefund(
  deps: RefundDeps,
  claimed: Refund,
  refusal: RefundRefusal,
): Promise<Outcome<Refund>> {
  logRefundRefusal(deps, 'refund_postponed', claimed, refusal)
  return ok(await deps.refunds.postponed(claimed, refusal.code, refusal.text || null))
}

const logRefundRefusal = (
  { log }: RefundDeps,
  event: string,
  { outTradeNo }: Refund,
  { code, remedy, text }: RefundRefusal,
) => log({ event, order: outTradeNo, code, detail: describeRefusal(remedy, text) })

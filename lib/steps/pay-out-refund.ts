import { isFinalRefund, type Payout, type Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import { applyKnownRefund, refreshRefund, type RefundDeps } from './refresh-refund.ts'

/**
 * Pays a refund in CHANGE to another account.
 *
 * The request is noted in the ledger before it is sent, and the account is not. So only the
 * merchant can repeat it, which is safe: WeChat is asked first, and a refund that has left CHANGE
 * after a payout was requested is returned as it is.
 */
export async function payOutRefund(
  deps: RefundDeps,
  stored: Refund,
  payout: Payout,
): Promise<Outcome<Refund>> {
  const fresh = isFinalRefund(stored) ? ok(stored) : await refreshRefund(deps, stored)
  if (!fresh.ok) return fresh
  if (fresh.value.refundStatus !== 'CHANGE') return toAnswer(fresh.value)
  const gateway = deps.gateway(stored.payment.account)
  const configured = await gateway.checkPayoutSettings()
  if (!configured.ok) return configured
  const requested = await deps.refunds.payoutRequested(fresh.value, deps.clock.now())
  if (requested.refundStatus !== 'CHANGE') return toAnswer(requested)
  const answer = await gateway.payOutRefund(requested, payout)
  if (!answer.ok) return answer
  const { value } = answer
  if (value.outcome === 'accepted') return applyKnownRefund(deps, requested, value.refund)
  // WeChat also refuses a payout because a simultaneous request was accepted.
  const left = await refreshRefund(deps, requested)
  if (!left.ok || left.value.refundStatus !== 'CHANGE') return left
  const { code, remedy, text } = value
  return err({ reason: 'payout_refused', code, remedy, text })
}

const toAnswer = (refund: Refund): Outcome<Refund> =>
  refund.payoutRequestedAt === null ? err({ reason: 'payout_not_possible' }) : ok(refund)

import type { Failure } from '../core/failure.ts'
import { parseOutTradeNo, type OutRefundNo, type OutTradeNo } from '../core/ids.ts'
import { isPaid } from '../core/order.ts'
import { isWaitingRefund, type Refund } from '../core/refund.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { recordRefundIncident } from './refresh-refund.ts'
import { resumeRefund } from './resume-refund.ts'
import { adoptKnownRefund } from './take-in-refunds.ts'

/**
 * Stores a refund that was made in the merchant console. It is real money, so it claims its amount, but only after WeChat's
 * signed answer. Null if no order here can cover it. `refund_not_found`: the order is here, and WeChat does not know the refund.
 */
export async function adopt(
  deps: Deps,
  outRefundNo: OutRefundNo,
  orderNumber: string,
): Promise<Result<Refund | null, Failure>> {
  const outTradeNo = parseOutTradeNo(orderNumber)
  const order = outTradeNo.ok ? await deps.ledger.find({ outTradeNo: outTradeNo.value }) : null
  if (order === null || !isPaid(order)) return ok(null)
  const asked = await deps.gateway(order.account).queryRefund({ outRefundNo, payment: order })
  if (!asked.ok) return asked
  if (asked.value.state === 'missing') return err({ reason: 'refund_not_found' })
  if (asked.value.outTradeNo !== order.outTradeNo) return ok(null)
  let adopted = await adoptKnownRefund(deps, order, asked.value)
  if (adopted === 'too_much') {
    await resumeWaitingRefunds(deps, order.outTradeNo)
    adopted = await adoptKnownRefund(deps, order, asked.value)
  }
  if (adopted === 'number_taken') return ok(await deps.refunds.find(outRefundNo))
  if (adopted !== 'too_much') return ok(adopted)
  const { refundFee, refundStatus } = asked.value
  // The payer has the money, but refunds of ours that may still be made claim it: the ledger lacks this refund until they end.
  if (refundStatus === 'SUCCESS')
    await recordRefundIncident(deps, order.outTradeNo, { outRefundNo }, { outRefundNo, refundFee })
  return ok(null)
}

/**
 * Resumes the waiting refunds one after the other: each may be made, or prove impossible and free its claim. A parked one is
 * not sent.
 */
async function resumeWaitingRefunds(deps: Deps, outTradeNo: OutTradeNo): Promise<void> {
  for (const refund of await deps.refunds.listByOrder(outTradeNo))
    if (isWaitingRefund(refund)) await resumeRefund(deps, refund)
}

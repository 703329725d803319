import { maySee, type Caller } from '../core/caller.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid } from '../core/order.ts'
import { isFinalRefund, type Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps, KnownRefund } from '../ports.ts'
import { adoptMissingRefunds, applyKnownRefund, type RefundDeps } from './refresh-refund.ts'

/**
 * All refunds of an order, oldest first. For the merchant WeChat is asked first, so that refunds
 * made in the merchant console are among them, and unfinished ones have their current state. Payers
 * see those that the ledger has, and only of their own orders.
 */
export async function listOrderRefunds(
  deps: RefundDeps & Pick<Deps, 'ledger'>,
  caller: Caller,
  outTradeNo: OutTradeNo,
): Promise<Outcome<readonly Refund[]>> {
  const order = await deps.ledger.find({ outTradeNo })
  if (order === null || !maySee(caller, order)) return err({ reason: 'order_not_found' })
  if (caller.kind === 'merchant' && isPaid(order)) {
    const listed = await deps.gateway(order.account).listRefunds(order)
    if (!listed.ok) return listed
    await adoptMissingRefunds(deps, order, listed.value)
    await finishStoredRefunds(deps, outTradeNo, listed.value)
  }
  return ok(await deps.refunds.listByOrder(outTradeNo))
}

/** A contradiction is recorded as an incident, and the refund is listed as it is stored. */
async function finishStoredRefunds(
  deps: RefundDeps,
  outTradeNo: OutTradeNo,
  listed: readonly KnownRefund[],
): Promise<void> {
  for (const stored of await deps.refunds.listByOrder(outTradeNo)) {
    const known = listed.find(({ outRefundNo }) => outRefundNo === stored.outRefundNo)
    if (known !== undefined && !isFinalRefund(stored)) await applyKnownRefund(deps, stored, known)
  }
}

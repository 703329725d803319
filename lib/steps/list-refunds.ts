import { maySee, type Caller } from '../core/caller.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid } from '../core/order.ts'
import type { Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { adoptMissingRefunds, type RefundDeps } from './refresh-refund.ts'

/**
 * All refunds of an order, oldest first. For the merchant WeChat is asked first, so that refunds
 * made in the merchant console are among them. Payers see those that the ledger has, and only of
 * their own orders.
 */
export async function listRefunds(
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
  }
  return ok(await deps.refunds.listByOrder(outTradeNo))
}

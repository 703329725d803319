import type { Failure } from '../core/failure.ts'
import type { Order } from '../core/order.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps, ConfirmationSource } from '../ports.ts'
import { settleAnswer } from './settle-answer.ts'

/**
 * Asks WeChat about an order and brings the ledger up to what it says. The phone is never asked.
 *
 * An answer that did not come changes nothing and is a failure of its own: unknown is not unpaid.
 */
export async function refreshOrder(
  deps: Deps,
  order: Order,
  source: ConfirmationSource,
): Promise<Result<Order, Failure>> {
  const asked = await deps.gateway(order.account).queryOrder(order)
  if (!asked.ok) return asked
  switch (asked.value.state) {
    case 'paid':
    case 'refunded':
      return settleAnswer(deps, order, asked.value, source)
    case 'closed':
      return ok(await deps.ledger.close(order, true, deps.clock.now()))
    case 'open':
    case 'missing':
      return ok(order)
  }
}

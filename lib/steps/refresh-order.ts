import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import { ok, type Outcome } from '../core/result.ts'
import type { ConfirmationSource, Deps, OrderAtWechat } from '../ports.ts'
import { adoptMissingRefunds, type RefundDeps } from './refresh-refund.ts'
import { settle } from './settle.ts'

export type OrderDeps = RefundDeps & Pick<Deps, 'autoShipping'>

/**
 * Asks WeChat about an order and updates the ledger to its answer. The client's own report is never
 * trusted.
 *
 * Without an answer nothing changes, and the result is a failure of its own: unknown is not unpaid.
 */
export async function refreshOrder(
  deps: OrderDeps,
  order: Order,
  source: ConfirmationSource,
): Promise<Outcome<Order>> {
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

/**
 * Settles an order that is paid according to WeChat's answer. If it was refunded meanwhile, its
 * refunds are stored, too; otherwise the merchant would deliver goods whose money has gone back.
 *
 * The refunds are read first. Without them nothing is settled, and the order is asked about again.
 * If the process dies after the order is settled, the refund's notification or the bill delivers
 * the refunds later.
 */
export async function settleAnswer(
  deps: OrderDeps,
  order: Order,
  { state, confirmation }: Extract<OrderAtWechat, { confirmation: unknown }>,
  source: ConfirmationSource,
): Promise<Outcome<PaidOrder>> {
  if (state === 'paid') return settle(deps, order, confirmation, source)
  const { transactionId } = confirmation
  const listed = await deps.gateway(order.account).listRefunds({ ...order, transactionId })
  if (!listed.ok) return listed
  const settled = await settle(deps, order, confirmation, source)
  if (!settled.ok) return settled
  await adoptMissingRefunds(deps, settled.value, listed.value)
  const fresh = await deps.ledger.find({ outTradeNo: order.outTradeNo })
  return fresh !== null && isPaid(fresh) ? ok(fresh) : settled
}

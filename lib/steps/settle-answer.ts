import type { Failure } from '../core/failure.ts'
import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps, ConfirmationSource, OrderAtWechat } from '../ports.ts'
import { settle } from './settle.ts'
import { takeIn } from './take-in-refunds.ts'

export type PaidAtWechat = Extract<OrderAtWechat, { confirmation: unknown }>

/**
 * Settles an order that is paid according to WeChat's answer. If it was refunded meanwhile, its refunds are stored, too;
 * otherwise the merchant would deliver goods whose money has gone back.
 *
 * The refunds are read first. Without them nothing is settled, and the order is asked about again. If the process dies after
 * the order is settled, the refund's notification or the bill delivers the refunds later.
 */
export async function settleAnswer(
  deps: Deps,
  order: Order,
  { state, confirmation }: PaidAtWechat,
  source: ConfirmationSource,
): Promise<Result<PaidOrder, Failure>> {
  if (state === 'paid') return settle(deps, order, confirmation, source)
  const { transactionId } = confirmation
  const listed = await deps.gateway(order.account).listRefunds({ ...order, transactionId })
  if (!listed.ok) return listed
  const settled = await settle(deps, order, confirmation, source)
  if (!settled.ok) return settled
  await takeIn(deps, settled.value, listed.value)
  const fresh = await deps.ledger.find({ outTradeNo: order.outTradeNo })
  return fresh !== null && isPaid(fresh) ? ok(fresh) : settled
}

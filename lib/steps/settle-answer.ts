import type { Failure } from '../core/failure.ts'
import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps, NewsSource, OrderAtWechat } from '../ports.ts'
import { settle } from './settle.ts'
import { takeIn } from './take-in-refunds.ts'

export type PaidAtWechat = Extract<OrderAtWechat, { confirmation: unknown }>

/**
 * Settles an order that WeChat, asked, says is paid. If it was refunded since, the refunds are stored too, or the merchant
 * would deliver goods whose money has gone back.
 *
 * The refunds are read first: without them nothing is settled, and the order is asked about again. If the process dies after
 * the order is settled, the refund's notification or the bill brings them.
 */
export async function settleAnswer(
  deps: Deps,
  order: Order,
  { state, confirmation }: PaidAtWechat,
  source: NewsSource,
): Promise<Result<PaidOrder, Failure>> {
  if (state === 'paid') return settle(deps, order, confirmation, source)
  const { transactionId } = confirmation
  const listed = await deps.wechat.listRefunds({ outTradeNo: order.outTradeNo, totalFee: order.totalFee, transactionId })
  if (!listed.ok) return listed
  const settled = await settle(deps, order, confirmation, source)
  if (!settled.ok) return settled
  await takeIn(deps, settled.value, listed.value)
  const fresh = await deps.ledger.find({ outTradeNo: order.outTradeNo })
  return fresh !== null && isPaid(fresh) ? ok(fresh) : settled
}

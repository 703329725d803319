import { maySee, type Caller } from '../core/caller.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid, type Order } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { ConfirmationSource } from '../ports.ts'
import { refreshOrder, type OrderDeps } from './refresh-order.ts'

/**
 * Closes an unpaid order, at WeChat and here. An order that turns out to be paid is settled, and
 * the result is `order_paid`.
 */
export async function close(
  deps: OrderDeps,
  caller: Caller,
  outTradeNo: OutTradeNo,
): Promise<Outcome<Order>> {
  const order = await deps.ledger.find({ outTradeNo })
  if (order === null || !maySee(caller, order)) return err({ reason: 'order_not_found' })
  // An order that WeChat has not closed yet may have been paid meanwhile.
  if (order.tradeState === 'CLOSED' && order.closedAtWechat) return ok(order)
  const closed = isPaid(order) ? ok(order) : await closeAtWechatThenHere(deps, order, 'close')
  if (!closed.ok) return closed
  return isPaid(closed.value) ? err({ reason: 'order_paid' }) : closed
}

/**
 * Closes an order at WeChat first, then here. Returns the order as it is afterwards, which may be
 * paid.
 *
 * WeChat does not close an order in its first five minutes. It is closed here nevertheless, so that
 * no client gets a signature for it any more, and cron asks about it until WeChat agrees.
 */
export async function closeAtWechatThenHere(
  deps: OrderDeps,
  order: Order,
  source: ConfirmationSource,
): Promise<Outcome<Order>> {
  const closing = await deps.gateway(order.account).closeOrder(order)
  if (!closing.ok) return closing
  if (closing.value === 'paid' || closing.value === 'not_now') {
    const fresh = await refreshOrder(deps, order, source)
    if (!fresh.ok || fresh.value.tradeState !== order.tradeState) return fresh
    if (closing.value === 'paid') return err({ reason: 'wechat_unknown' })
  }
  const now = deps.clock.now()
  // An order that WeChat does not know may still arrive there, from a prepay that is running now,
  // until it expires.
  const final =
    closing.value === 'closed' || (closing.value === 'missing' && now > order.timeExpire)
  return ok(await deps.ledger.close(order, final, now))
}

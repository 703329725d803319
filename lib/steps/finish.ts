import type { Failure } from '../core/failure.ts'
import { isPaid, type Order } from '../core/order.ts'
import type { Refund } from '../core/refund.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { closeBoth } from './close.ts'
import { refresh } from './refresh.ts'
import { pursue } from './refund.ts'

/** Asks, and closes at WeChat and here what has expired or was closed here only. A payment that slips in first wins. */
export async function finishOrder(deps: Deps, order: Order): Promise<Result<Order, Failure>> {
  const finished = await askAndClose(deps, order)
  if (!finished.ok) deps.log({ event: 'order_not_finished', order: order.outTradeNo, reason: finished.error.reason })
  return finished
}

async function askAndClose(deps: Deps, order: Order): Promise<Result<Order, Failure>> {
  const fresh = await refresh(deps, order, 'cron')
  if (!fresh.ok || isPaid(fresh.value)) return fresh
  const { value } = fresh
  if (value.tradeState === 'CLOSED') return value.closedAtWechat ? ok(value) : closeBoth(deps, value, 'cron')
  return value.timeExpire <= deps.clock.now() ? closeBoth(deps, value, 'cron') : ok(value)
}

/** Asks what became of a refund, and sends it under its own number when WeChat never heard of it. */
export async function finishRefund(deps: Deps, refund: Refund): Promise<Result<Refund, Failure>> {
  const finished = await pursue(deps, refund)
  if (!finished.ok) deps.log({ event: 'refund_not_finished', order: refund.outTradeNo, reason: finished.error.reason })
  return finished
}

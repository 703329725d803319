import type { Failure } from '../core/failure.ts'
import { isPaid, type Order } from '../core/order.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { closeBoth } from './close.ts'
import { deliver } from './deliver.ts'
import { refresh } from './refresh.ts'

export interface Swept {
  readonly settled: number
  readonly closed: number
  readonly refunded: number
  readonly delivered: number
  readonly reconciled: number
}

/** Begins nothing new after this, so that the run ends well within the function's minute. */
const BUDGET_MS = 40_000

/** Far below what WeChat allows one merchant a second. */
const AT_ONCE = 8

/** So many in a row without an answer, or told to slow down: the rest would only make it worse. */
const GIVE_UP_AFTER = 2 * AT_ONCE

/**
 * What nobody reported: asks WeChat about every unfinished order, settles what was paid, closes what has expired, and
 * delivers what is due. Harmless to run twice at once: each change happens once, whoever is first.
 */
export async function sweep(deps: Deps): Promise<Swept> {
  const until = deps.clock.now().getTime() + BUDGET_MS
  const isTimeLeft = () => deps.clock.now().getTime() < until
  const { settled, closed } = await finishOrders(deps, isTimeLeft)
  let delivered = 0
  for (let more = true; more && isTimeLeft();) {
    const batch = await deliver(deps)
    delivered += batch.delivered
    more = batch.taken > 0
  }
  return { settled, closed, refunded: 0, delivered, reconciled: 0 }
}

async function finishOrders(deps: Deps, isTimeLeft: () => boolean): Promise<{ settled: number; closed: number }> {
  const startedAt = deps.clock.now()
  let [settled, closed, unanswered] = [0, 0, 0]
  while (isTimeLeft() && unanswered < GIVE_UP_AFTER) {
    const orders = await deps.ledger.takeUnfinished(AT_ONCE, startedAt, startedAt)
    if (orders.length === 0) break
    const finished = await Promise.all(orders.map(async (order) => ({ was: order, now: await finishOrder(deps, order) })))
    for (const { was, now } of finished) {
      if (!now.ok) {
        deps.log({ event: 'order_not_finished', outTradeNo: was.outTradeNo, reason: now.error.reason })
        unanswered = now.error.reason === 'wechat_unknown' || now.error.reason === 'wechat_busy' ? unanswered + 1 : unanswered
      } else {
        unanswered = 0
        if (isPaid(now.value)) settled += 1
        else if (now.value.tradeState === 'CLOSED' && was.tradeState === 'NOTPAY') closed += 1
      }
    }
  }
  return { settled, closed }
}

/** Asks, and closes at WeChat and here what has expired or was closed here only. A payment that slips in first wins. */
async function finishOrder(deps: Deps, order: Order): Promise<Result<Order, Failure>> {
  const fresh = await refresh(deps, order, 'cron')
  if (!fresh.ok || isPaid(fresh.value)) return fresh
  const { value } = fresh
  if (value.tradeState === 'CLOSED') return value.closedAtWechat ? ok(value) : closeBoth(deps, value, 'cron')
  return value.timeExpire <= deps.clock.now() ? closeBoth(deps, value, 'cron') : ok(value)
}

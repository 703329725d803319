import { maySee, type Caller } from '../core/caller.ts'
import type { Failure, Outcome } from '../core/failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid, type Order } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Deps, PaymentArguments, Placement, Prepaid } from '../ports.ts'
import { refreshOrder } from './refresh-order.ts'
import { singleFlight } from './single-flight.ts'

/** WeChat's two hours less a margin, so that what the phone gets is still good when the password is typed. */
const PREPAY_LIFE_MS = 115 * 60_000
/** Between the clocks of two instances. */
const CLOCK_SKEW_MS = 60_000

/** WeChat takes no order that would expire sooner, and nobody types a password faster. */
const LAST_MOMENT_MS = 60_000

/**
 * What `wx.requestPayment` needs to pay an order.
 *
 * The first call places the unified order; for two hours every other one only signs again. Taps at once: one places, the
 * others wait for its `prepay_id`. Without Redis each places it by itself, with identical content, which WeChat answers
 * with the same order.
 */
export async function prepay(
  deps: Deps,
  caller: Caller,
  outTradeNo: OutTradeNo,
): Promise<Outcome<PaymentArguments>> {
  const looking = deps.cache.prepays.find(outTradeNo)
  let payable: Outcome<Order> | undefined
  try {
    payable = await findPayable(deps, caller, outTradeNo)
  } finally {
    if (payable?.ok !== true) {
      deps.waitUntil(async () => {
        const found = await looking
        if (typeof found === 'object' && 'lock' in found) await deps.cache.release(found.lock)
      })
    }
  }
  if (!payable.ok) return payable
  const order = payable.value
  const prepaid = await singleFlight(deps, deps.cache.prepays, {
    id: outTradeNo,
    found: await looking,
    isGood: (kept) => isReusable(deps, order, kept),
    make: () => place(deps, order),
  })
  if (prepaid.ok)
    return ok(deps.gateway(order.account).signPayment(prepaid.value.prepayId, deps.clock.now()))
  const { error } = prepaid
  return 'outcome' in error ? explain(deps, order, error) : err(error)
}

/**
 * An unpaid order of the caller's with time left. One past its time, or closed here only, is asked about first: it may
 * have been paid at the last minute.
 */
async function findPayable(
  deps: Deps,
  caller: Caller,
  outTradeNo: OutTradeNo,
): Promise<Outcome<Order>> {
  const order = await deps.ledger.find({ outTradeNo })
  if (order === null || !maySee(caller, order)) return err({ reason: 'order_not_found' })
  const isLate = order.timeExpire.getTime() - deps.clock.now().getTime() < LAST_MOMENT_MS
  const isUnsure =
    order.tradeState === 'NOTPAY' ? isLate : order.tradeState === 'CLOSED' && !order.closedAtWechat
  const known = isUnsure ? await refreshOrder(deps, order, 'prepay') : ok(order)
  if (!known.ok) return known
  if (isPaid(known.value)) return err({ reason: 'order_paid' })
  return isLate || known.value.tradeState === 'CLOSED' ? err({ reason: 'order_closed' }) : known
}

/** Made for exactly this order, and young enough. */
function isReusable(deps: Deps, order: Order, kept: Prepaid): boolean {
  const age = deps.clock.now().getTime() - kept.madeAt
  return (
    kept.key === deps.gateway(order.account).prepayKey(order) &&
    age >= -CLOCK_SKEW_MS &&
    age < PREPAY_LIFE_MS
  )
}

type NotPlaced = Exclude<Placement, { readonly outcome: 'placed' | 'expires_too_soon' }>

async function place(
  deps: Deps,
  order: Order,
): Promise<Result<{ value: Prepaid; lifeMs: number }, NotPlaced | Failure>> {
  const gateway = deps.gateway(order.account)
  const at = deps.clock.now()
  const placed = await gateway.placeOrder(order, at)
  if (!placed.ok) return placed
  if (placed.value.outcome === 'expires_too_soon') return err({ reason: 'order_closed' })
  if (placed.value.outcome !== 'placed') return err(placed.value)
  const { prepayId } = placed.value
  const value = { prepayId, key: gateway.prepayKey(order), madeAt: at.getTime() }
  return ok({ value, lifeMs: PREPAY_LIFE_MS })
}

/** Why WeChat did not place the order. The order is refreshed first, because WeChat may know that it is paid or closed. */
async function explain(deps: Deps, order: Order, placed: NotPlaced): Promise<Outcome<never>> {
  const fresh = await refreshOrder(deps, order, 'prepay')
  if (!fresh.ok) return fresh
  if (isPaid(fresh.value)) return err({ reason: 'order_paid' })
  switch (placed.outcome) {
    case 'closed':
      if (fresh.value.tradeState === 'NOTPAY')
        await deps.ledger.close(order, true, deps.clock.now())
      return err({ reason: 'order_closed' })
    case 'number_taken':
      return err(
        fresh.value.tradeState === 'CLOSED'
          ? { reason: 'order_closed' }
          : { reason: 'wechat_refused', code: placed.code, text: placed.text },
      )
    case 'paid':
      return err({ reason: 'wechat_unknown' })
  }
}

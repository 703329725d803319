import { maySee, type Caller } from '../core/caller.ts'
import type { Failure } from '../core/failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid, type Order } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { CachedPrepay, Deps, Found, PaymentArguments, Placement } from '../ports.ts'
import { refreshOrder, type OrderDeps } from './refresh-order.ts'
import { singleFlight } from './single-flight.ts'

/**
 * WeChat's two hours less a margin, so that a `prepay_id` is still valid when the payer has typed
 * the password.
 */
const PREPAY_LIFE_MS = 115 * 60_000

/** The maximum clock skew between two instances. */
const CLOCK_SKEW_MS = 60_000

/** WeChat takes no order that expires sooner. */
const LAST_MOMENT_MS = 60_000

/**
 * Returns what `wx.requestPayment` needs to pay an order.
 *
 * The first call places the order at WeChat; for about two hours every other call only signs. One
 * of several concurrent calls places the order, and the others wait for its `prepay_id`. Without
 * Redis each call places it, with identical content, and WeChat answers with the same order.
 */
export const prepay = (
  deps: PrepayDeps,
  caller: Caller,
  outTradeNo: OutTradeNo,
): Promise<Outcome<PaymentArguments>> =>
  prepayFound(deps, deps.cache.prepays.find(outTradeNo), async () => {
    const order = await deps.ledger.find({ outTradeNo })
    return order === null || !maySee(caller, order) ? err({ reason: 'order_not_found' }) : ok(order)
  })

export type PrepayDeps = OrderDeps & Pick<Deps, 'cache' | 'waitUntil'>

/** @param looking the look for the order's `prepay_id`, which `find` runs beside */
export async function prepayFound(
  deps: PrepayDeps,
  looking: Promise<Found<CachedPrepay>>,
  find: () => Promise<Outcome<Order>>,
): Promise<Outcome<PaymentArguments>> {
  const { cache, clock } = deps
  let payable: Outcome<Order> | undefined
  try {
    const found = await find()
    payable = found.ok ? await toPayable(deps, found.value) : found
  } finally {
    if (payable?.ok !== true) releaseFound(deps, looking)
  }
  if (!payable.ok) return payable
  const order = payable.value
  const { outTradeNo } = order
  const gateway = deps.gateway(order.account)
  const key = await gateway.prepayKey(order)
  const prepaid = await singleFlight<CachedPrepay, Failure | NotPlaced>(deps, cache.prepays, {
    id: outTradeNo,
    found: await looking,
    isReusable: (kept) => {
      const age = clock.now().getTime() - kept.madeAt
      return kept.key === key && age >= -CLOCK_SKEW_MS && age < PREPAY_LIFE_MS
    },
    make: async () => {
      const at = clock.now()
      const placed = await gateway.placeOrder(order, at)
      if (!placed.ok) return placed
      if (placed.value.outcome !== 'placed') return err(placed.value)
      const { prepayId } = placed.value
      const value = { prepayId, key, madeAt: at.getTime() }
      return ok({ value, lifeMs: PREPAY_LIFE_MS })
    },
  })
  if (prepaid.ok) return ok(await gateway.signPayment(prepaid.value.prepayId, clock.now()))
  const { error } = prepaid
  return 'outcome' in error ? whyNotPlaced(deps, order, error) : err(error)
}

/** A look that is not used gives its lock back. */
export const releaseFound = (
  { cache, waitUntil }: Pick<Deps, 'cache' | 'waitUntil'>,
  looking: Promise<Found<CachedPrepay>>,
): void =>
  waitUntil(async () => {
    const found = await looking
    if (typeof found === 'object' && 'lock' in found) await cache.release(found.lock)
  })

/**
 * The order, if it can be paid now. WeChat is asked first about an order that expires now, or is
 * closed here only, because it may have been paid at the last moment.
 */
async function toPayable(deps: OrderDeps, order: Order): Promise<Outcome<Order>> {
  const isLate = order.timeExpire.getTime() - deps.clock.now().getTime() < LAST_MOMENT_MS
  const isUnsure =
    order.tradeState === 'NOTPAY' ? isLate : order.tradeState === 'CLOSED' && !order.closedAtWechat
  const known = isUnsure ? await refreshOrder(deps, order, 'prepay') : ok(order)
  if (!known.ok) return known
  if (isPaid(known.value)) return err({ reason: 'order_paid' })
  return isLate || known.value.tradeState === 'CLOSED' ? err({ reason: 'order_closed' }) : known
}

type NotPlaced = Exclude<Placement, { readonly outcome: 'placed' }>

/** The order is refreshed first, because WeChat may know that it is paid or closed. */
async function whyNotPlaced(
  deps: OrderDeps,
  order: Order,
  placement: NotPlaced,
): Promise<Outcome<never>> {
  if (placement.outcome === 'expires_too_soon') return err({ reason: 'order_closed' })
  const fresh = await refreshOrder(deps, order, 'prepay')
  if (!fresh.ok) return fresh
  if (isPaid(fresh.value)) return err({ reason: 'order_paid' })
  if (placement.outcome === 'paid') return err({ reason: 'wechat_unknown' })
  if (fresh.value.tradeState === 'NOTPAY') {
    const { outcome } = placement
    if (outcome === 'number_taken')
      return err({ reason: 'wechat_refused', code: placement.code, text: placement.text })
    await deps.ledger.close(order, true, deps.clock.now())
  }
  return err({ reason: 'order_closed' })
}

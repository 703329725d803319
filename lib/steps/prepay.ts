import { maySee, type Caller } from '../core/caller.ts'
import type { Failure } from '../core/failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid, type Order } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Cache, Deps, Lock, PaymentArguments, Prepaid } from '../ports.ts'
import { refreshOrder } from './refresh-order.ts'

/** WeChat's two hours less a margin, so that what the phone gets is still good when the password is typed. */
const PREPAY_LIFE_MS = 115 * 60_000
/** Between the clocks of two instances. */
const CLOCK_SKEW_MS = 60_000

/** WeChat takes no order that would expire sooner, and nobody types a password faster. */
const LAST_MOMENT_MS = 60_000

/** Or five minutes, as WeChat's older pages have it (protocol 5.2), by its clock: then its refusal means no more than this. */
const PERHAPS_TOO_LATE_MS = 5 * 60_000 + CLOCK_SKEW_MS

/** Whoever has the turn is done by now, or has died: then this one places the order too, which is harmless. */
const WAIT_MS = 4_000
const FIRST_LOOK_MS = 50
const SLOWEST_LOOK_MS = 400
/** Kept for WeChat. */
const LEAST_LEFT_MS = 2_000

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
): Promise<Result<PaymentArguments, Failure>> {
  const looking = deps.cache.findPrepay(outTradeNo)
  let payable: Result<Order, Failure> | undefined
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
  const turn = await awaitTurn(deps, payable.value, await looking)
  return 'prepayId' in turn
    ? ok(deps.wechat.signPayment(turn.prepayId, deps.clock.now()))
    : place(deps, payable.value, turn)
}

/**
 * An unpaid order of the caller's with time left. One past its time, or closed here only, is asked about first: it may
 * have been paid at the last minute.
 */
async function findPayable(
  deps: Deps,
  caller: Caller,
  outTradeNo: OutTradeNo,
): Promise<Result<Order, Failure>> {
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

/** The kept `prepay_id`, else the turn to place the order, by a lock or, where there is none to be had, without. */
async function awaitTurn(
  deps: Deps,
  order: Order,
  first: Awaited<ReturnType<Cache['findPrepay']>>,
): Promise<{ readonly prepayId: string } | { readonly lock: Lock | null }> {
  let found = first
  let [waited, pause, hasForgotten] = [0, FIRST_LOOK_MS, false]
  for (;;) {
    if (found === 'down') return { lock: null }
    if (found === 'busy') {
      if (waited >= WAIT_MS || deps.clock.timeLeft() < LEAST_LEFT_MS + pause) return { lock: null }
      await deps.clock.sleep(pause)
      waited += pause
      pause = Math.min(2 * pause, SLOWEST_LOOK_MS)
    } else {
      if ('lock' in found) return found
      if (isReusable(deps, order, found.kept)) return { prepayId: found.kept.prepayId }
      if (hasForgotten) return { lock: null }
      hasForgotten = true
      await deps.cache.forgetPrepay(order.outTradeNo, found.kept)
    }
    found = await deps.cache.findPrepay(order.outTradeNo)
  }
}

/** Made for exactly this order, and young enough. */
function isReusable(deps: Deps, order: Order, kept: Prepaid): boolean {
  const age = deps.clock.now().getTime() - kept.madeAt
  return kept.key === deps.wechat.prepayKey(order) && age >= -CLOCK_SKEW_MS && age < PREPAY_LIFE_MS
}

async function place(
  deps: Deps,
  order: Order,
  { lock }: { readonly lock: Lock | null },
): Promise<Result<PaymentArguments, Failure>> {
  const madeAt = deps.clock.now().getTime()
  const placed = await deps.wechat.placeOrder(order)
  const prepayId = placed.ok && placed.value.outcome === 'placed' ? placed.value.prepayId : null
  deps.waitUntil(async () => {
    if (prepayId !== null) {
      await deps.cache.keepPrepay(
        order.outTradeNo,
        { prepayId, key: deps.wechat.prepayKey(order), madeAt },
        PREPAY_LIFE_MS,
        lock,
      )
    } else if (lock !== null) {
      await deps.cache.release(lock)
    }
  })
  if (prepayId !== null) return ok(deps.wechat.signPayment(prepayId, deps.clock.now()))
  if (!placed.ok) {
    const isTooLate =
      isRefusedField(placed.error) && order.timeExpire.getTime() - madeAt < PERHAPS_TOO_LATE_MS
    return isTooLate ? err({ reason: 'order_closed' }) : placed
  }

  const fresh = await refreshOrder(deps, order, 'prepay')
  if (!fresh.ok) return fresh
  if (isPaid(fresh.value)) return err({ reason: 'order_paid' })
  switch (placed.value.outcome) {
    case 'closed':
      if (fresh.value.tradeState === 'NOTPAY')
        await deps.ledger.close(order, true, deps.clock.now())
      return err({ reason: 'order_closed' })
    case 'number_taken':
      return err(
        fresh.value.tradeState === 'CLOSED'
          ? { reason: 'order_closed' }
          : { reason: 'wechat_refused', code: placed.value.code, text: placed.value.text },
      )
    case 'paid':
    case 'placed':
      return err({ reason: 'wechat_unknown' })
  }
}

const isRefusedField = (failure: Failure): boolean =>
  failure.reason === 'wechat_misconfigured' && failure.code === 'PARAM_ERROR'

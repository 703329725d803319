import { maySee, type Caller } from '../core/caller.ts'
import type { Failure } from '../core/failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid, type Order } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Cache, Deps, Lock, PaymentArguments } from '../ports.ts'
import { refresh } from './refresh.ts'

/** WeChat's two hours less a margin, so that what the phone gets is still good when the password is typed. */
const PREPAY_LIFE_MS = 115 * 60_000

/** All of the step, the wait for another tap included, stays below the eight seconds a caller is promised. */
const WITHIN_MS = 7_000
const FIRST_LOOK_MS = 50
const SLOWEST_LOOK_MS = 400

/**
 * What `wx.requestPayment` needs to pay an order.
 *
 * The first call places the unified order; for two hours every other one only signs again. Taps at once: one places, the
 * others wait for its `prepay_id`. Without Redis each places it by itself, with identical content, which WeChat answers
 * with the same order.
 */
export async function prepay(deps: Deps, caller: Caller, outTradeNo: OutTradeNo): Promise<Result<PaymentArguments, Failure>> {
  const looking = deps.cache.findPrepay(outTradeNo)
  let payable: Result<Order, Failure> | undefined
  try {
    payable = await findPayable(deps, caller, outTradeNo)
  } finally {
    if (payable?.ok !== true) {
      deps.later(async () => {
        const found = await looking
        if (typeof found === 'object' && 'lock' in found) await deps.cache.release(found.lock)
      })
    }
  }
  if (!payable.ok) return payable
  const turn = await awaitTurn(deps, payable.value, await looking)
  if (turn === 'busy') return err({ reason: 'wechat_unknown' })
  return 'prepayId' in turn ? ok(deps.wechat.signPayment(turn.prepayId, deps.clock.now())) : place(deps, payable.value, turn)
}

/** An unpaid, unexpired order of the caller's. One past its time is asked about first: it may have been paid at the last minute. */
async function findPayable(deps: Deps, caller: Caller, outTradeNo: OutTradeNo): Promise<Result<Order, Failure>> {
  const order = await deps.ledger.find({ outTradeNo })
  if (order === null || !maySee(caller, order)) return err({ reason: 'order_not_found' })
  const expired = order.tradeState === 'NOTPAY' && order.timeExpire <= deps.clock.now()
  const known = expired ? await refresh(deps, order, 'prepay') : ok(order)
  if (!known.ok) return known
  if (isPaid(known.value)) return err({ reason: 'order_paid' })
  return expired || known.value.tradeState === 'CLOSED' ? err({ reason: 'order_closed' }) : known
}

interface Turn {
  readonly lock: Lock | null
  readonly leftMs: number
}

/** The kept `prepay_id`, else the turn to place the order; `busy` when whoever has the turn is still at it when time is up. */
async function awaitTurn(
  deps: Deps,
  order: Order,
  first: Awaited<ReturnType<Cache['findPrepay']>>,
): Promise<{ readonly prepayId: string } | Turn | 'busy'> {
  let found = first
  let leftMs = WITHIN_MS
  for (let pause = FIRST_LOOK_MS; found === 'busy'; pause = Math.min(2 * pause, SLOWEST_LOOK_MS)) {
    if (leftMs < 2 * SLOWEST_LOOK_MS) return 'busy'
    await deps.clock.sleep(pause)
    leftMs -= pause
    found = await deps.cache.findPrepay(order.outTradeNo)
  }
  if (found === 'down') return { lock: null, leftMs }
  if ('lock' in found) return { lock: found.lock, leftMs }
  const { kept } = found
  const isGood = kept.key === deps.wechat.prepayKey(order) && deps.clock.now().getTime() - kept.madeAt < PREPAY_LIFE_MS
  return isGood ? { prepayId: kept.prepayId } : { lock: null, leftMs }
}

async function place(deps: Deps, order: Order, { lock, leftMs }: Turn): Promise<Result<PaymentArguments, Failure>> {
  const madeAt = deps.clock.now().getTime()
  const placed = await deps.wechat.placeOrder(order, leftMs)
  const prepayId = placed.ok && placed.value.outcome === 'placed' ? placed.value.prepayId : null
  deps.later(async () => {
    // Kept before the turn is given up, so that whoever waits finds it.
    if (prepayId !== null) {
      await deps.cache.keepPrepay(order.outTradeNo, { prepayId, key: deps.wechat.prepayKey(order), madeAt }, PREPAY_LIFE_MS)
    }
    if (lock !== null) await deps.cache.release(lock)
  })
  if (prepayId !== null) return ok(deps.wechat.signPayment(prepayId, deps.clock.now()))
  if (!placed.ok) return placed

  const fresh = await refresh(deps, order, 'prepay')
  if (!fresh.ok) return fresh
  if (isPaid(fresh.value)) return err({ reason: 'order_paid' })
  switch (placed.value.outcome) {
    case 'closed':
      if (fresh.value.tradeState === 'NOTPAY') await deps.ledger.close(order, true, deps.clock.now())
      return err({ reason: 'order_closed' })
    case 'number_taken':
      return err(
        fresh.value.tradeState === 'CLOSED' ? { reason: 'order_closed' } : { reason: 'wechat_refused', code: placed.value.code, text: '' },
      )
    case 'paid':
    case 'placed':
      return err({ reason: 'wechat_unknown' })
  }
}

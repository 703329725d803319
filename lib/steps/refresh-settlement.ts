import { waitForAll } from '../core/wait-for-all.ts'
import { describeFailure } from '../core/describe-failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { isPaid, type PaidOrder } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import { advance, type OrderState, type Settlement } from '../core/settlement.ts'
import type { Deps } from '../ports.ts'
import { unguarded } from './guard.ts'
import { withAccessToken } from './with-access-token.ts'

export type SettlementDeps = Pick<
  Deps,
  'ledger' | 'settlements' | 'miniProgram' | 'cache' | 'clock' | 'waitUntil' | 'log'
>

export interface RefreshedSettlement {
  readonly order: PaidOrder
  /** Null if WeChat's order and shipping management does not know the payment, or not yet. */
  readonly state: OrderState | null
}

/**
 * Asks WeChat's order and shipping management for the state of a paid order, and stores what it
 * confirms: that the order is shipped, that the payer has the goods, that the money is released.
 * The event `order.settled` is appended once. A repeated call has no effect.
 */
export async function refreshSettlement(
  deps: SettlementDeps,
  outTradeNo: OutTradeNo,
): Promise<Outcome<RefreshedSettlement>> {
  const order = await findPaid(deps, outTradeNo)
  if (!order.ok) return order
  const { appid } = order.value.account
  const asked = await withAccessToken(deps, appid, (token) =>
    deps.miniProgram(appid).getOrder(token, order.value),
  )
  if (!asked.ok) return asked
  switch (asked.value.outcome) {
    case 'found':
      return storeState(deps, order.value, asked.value.state)
    case 'unknown_order':
      return ok({ order: order.value, state: null })
    case 'token_refused':
      return err({ reason: 'wechat_refused', code: asked.value.code, text: asked.value.text })
  }
}

/** WeChat warns the shop 48 hours after the payment. This is a day earlier. */
const OVERDUE_MS = 24 * 3_600_000

/**
 * If WeChat does not answer, the order counts as overdue at this age, so that time is left to ship.
 */
const OVERDUE_WITHOUT_ANSWER_MS = 36 * 3_600_000

/**
 * Asks WeChat about a few orders that are due, and records those that are not shipped in time.
 * WeChat is asked first, because an order may have been shipped in the console. Returns for how
 * many orders WeChat answered.
 */
export async function refreshDueSettlements(
  deps: SettlementDeps,
  limit: number,
  guard = unguarded,
): Promise<number> {
  const due = await deps.settlements.takeDue(limit, deps.clock.now())
  const refreshed = await waitForAll(
    due.map((order) =>
      guard({ event: 'settlement_not_asked', order: order.outTradeNo }, async () => {
        const asked = await refreshSettlement(deps, order.outTradeNo)
        if (!asked.ok)
          deps.log({
            event: 'settlement_not_asked',
            order: order.outTradeNo,
            ...describeFailure(asked.error),
          })
        await markIfOverdue(deps, asked.ok ? asked.value.order : order, asked)
        return asked
      }),
    ),
  )
  return refreshed.filter(({ ok: isAnswered }) => isAnswered).length
}

async function markIfOverdue(
  deps: SettlementDeps,
  order: PaidOrder,
  asked: Outcome<RefreshedSettlement>,
): Promise<void> {
  const at = deps.clock.now()
  const age = at.getTime() - order.paidAt.getTime()
  if (age < (asked.ok ? OVERDUE_MS : OVERDUE_WITHOUT_ANSWER_MS)) return
  if (asked.ok && asked.value.state === 'REFUNDED') return
  const { shippedAt, overdueAt } = order.settlement
  if (shippedAt !== null || overdueAt !== null) return
  if (await deps.settlements.markOverdue(order, at))
    deps.log({ event: 'shipping_overdue', order: order.outTradeNo })
}

/** An order cannot change this often while one answer is stored. */
const MOST_READS = 8

/**
 * If the order has changed meanwhile, it is read again, because its event contains the whole order.
 */
async function storeState(
  deps: SettlementDeps,
  known: PaidOrder,
  state: OrderState,
): Promise<Outcome<RefreshedSettlement>> {
  const at = deps.clock.now()
  let order = known
  for (let reads = 0; reads < MOST_READS; reads += 1) {
    const settlement = advance(order.settlement, state, at)
    const isFinal = settlement.settledAt !== null || state === 'REFUNDED'
    if (isSame(order.settlement, settlement) && !isFinal) return ok({ order, state })
    if (await deps.settlements.store(order, settlement, at, isFinal))
      return ok({ order: { ...order, settlement }, state })
    const again = await findPaid(deps, order.outTradeNo)
    if (!again.ok) return again
    order = again.value
  }
  throw new Error('an order changed each time that its settlement was stored')
}

const isSame = (one: Settlement, other: Settlement): boolean =>
  one.shippedAt === other.shippedAt &&
  one.confirmedAt === other.confirmedAt &&
  one.settledAt === other.settledAt

async function findPaid(
  { ledger }: Pick<Deps, 'ledger'>,
  outTradeNo: OutTradeNo,
): Promise<Outcome<PaidOrder>> {
  const order = await ledger.find({ outTradeNo })
  if (order === null) return err({ reason: 'order_not_found' })
  return isPaid(order) ? ok(order) : err({ reason: 'order_not_paid' })
}

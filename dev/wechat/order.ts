/** The states of an order at WeChat. */
import type { State, StoredOrder } from './state.ts'

const MINUTE_MS = 60_000
/** Fixed by WeChat, independent of `time_expire`. */
export const PREPAY_LIFE_MS = 120 * MINUTE_MS
export const CLOSABLE_AFTER_MS = 5 * MINUTE_MS
const UNPAID_LIFE_MS = 7 * 24 * 60 * MINUTE_MS

type TradeState = 'NOTPAY' | 'SUCCESS' | 'REFUND' | 'CLOSED'

/** An order with its current state. */
export type SimulatedOrder = StoredOrder & { readonly tradeState: TradeState }

/**
 * Expiry does not close an order: it stays NOTPAY until it is closed or a week old. After the first
 * refund a paid order stays REFUND, whatever the outcome of the refund.
 */
export function tradeStateOf(order: StoredOrder, now: number): TradeState {
  if (order.payment !== null) return order.refunds.length === 0 ? 'SUCCESS' : 'REFUND'
  return order.closedAt !== null || now >= closesAt(order) ? 'CLOSED' : 'NOTPAY'
}

const closesAt = (order: StoredOrder): number =>
  Math.max(order.createdAt + UNPAID_LIFE_MS, order.expiresAt ?? 0)

export const isExpired = (order: StoredOrder, now: number): boolean =>
  order.expiresAt !== null && now >= order.expiresAt

export const findOrder = (state: State, outTradeNo: string): StoredOrder | undefined =>
  state.orders.find((order) => order.outTradeNo === outTradeNo)

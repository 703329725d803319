import type { OutTradeNo } from '../core/ids.ts'
import type { HistoryEntry } from '../core/order-history.ts'
import type { Order } from '../core/order.ts'

export interface OrderHistory {
  /** At most 2,000 entries, oldest first. Null if there is no such order. One statement. */
  read(
    outTradeNo: OutTradeNo,
  ): Promise<{ readonly order: Order; readonly entries: readonly HistoryEntry[] } | null>
}

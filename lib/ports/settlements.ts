import type { PaidOrder } from '../core/order.ts'
import type { Settlement } from '../core/settlement.ts'

/** How far the money of each paid order is. */
export interface Settlements {
  /**
   * Stores a later settlement of the order, and appends its event `order.settled` if it is settled
   * now, in one statement. If `isFinal`, WeChat is not asked about the order any more. Returns
   * false if the order has changed since it was read.
   */
  store(order: PaidOrder, next: Settlement, at: Date, isFinal: boolean): Promise<boolean>
  /**
   * Takes orders that WeChat has to be asked about, the longest due first, and schedules their next
   * question: after a quarter of the time since they were shipped, but at least an hour and at most
   * a day. After 90 days it is not scheduled any more.
   */
  takeDue(limit: number, at: Date): Promise<readonly PaidOrder[]>
}

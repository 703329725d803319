import type { PaidOrder } from '../core/order.ts'
import type { OutTradeNo } from '../core/ids.ts'
import type { Settlement } from '../core/settlement.ts'
import type { Shipment } from '../core/shipment.ts'

/** The delivery and the money of each paid order. */
export interface Settlements {
  /**
   * Stores a later settlement of the order, and appends its event `order.settled` if it is settled
   * now, in one statement. If `isFinal`, WeChat is not asked about the order any more. Returns
   * false if the order has changed since it was read.
   */
  store(order: PaidOrder, next: Settlement, at: Date, isFinal: boolean): Promise<boolean>
  /**
   * Takes orders that WeChat has to be asked about, the longest due first, and schedules when
   * WeChat is asked next. The pause is a quarter of the time since the order was shipped, or paid
   * if it is not shipped; at least an hour and at most a day. After 90 days WeChat is not asked any
   * more.
   *
   * Unshipped orders are taken from 24 hours to 15 days after their payment, but only in a shop
   * that has to ship: WeChat holds its money, or it has reported a shipment before.
   */
  takeDue(limit: number, at: Date): Promise<readonly PaidOrder[]>
  /**
   * Records that an order is not shipped in time, and appends one event `shipping.overdue`, in one
   * statement. Returns false if that was recorded before, or if the order is shipped or refunded in
   * full by now.
   */
  markOverdue(order: PaidOrder, at: Date): Promise<boolean>
  /**
   * Paid orders whose money is frozen: not shipped in time, or refused by WeChat. Newest first,
   * with their shipments.
   */
  listFrozen(
    before: OutTradeNo | null,
    limit: number,
  ): Promise<{ readonly found: readonly FrozenOrder[]; readonly next: OutTradeNo | null }>
}

export interface FrozenOrder {
  readonly order: PaidOrder
  readonly shipment: Shipment | null
}

/** Whether WeChat holds the money of an app's orders until they are shipped. */
export interface TradeManagement {
  /** Claims the question to WeChat for an hour; false if it is not due. */
  claim(appid: string, at: Date): Promise<boolean>
  /**
   * Stores WeChat's answer; the next question is due in a day. Returns whether the shop has ever
   * reported a shipment here.
   */
  store(appid: string, isManaged: boolean, at: Date): Promise<{ readonly hasShipped: boolean }>
}

import type { OutTradeNo } from '../core/ids.ts'
import type { Order } from '../core/order.ts'

export interface Search {
  /** A number of an order, a payment or a refund, or an openid. */
  readonly text: string
  /** The text as a phone number would be stored; null if it is not a phone number. */
  readonly phoneNumber: string | null
  /** Only orders after this one in the list. */
  readonly before: OutTradeNo | null
  readonly limit: number
}

export interface OrderSearch {
  /** The orders that the text names exactly, newest first. One statement. */
  find(
    search: Search,
  ): Promise<{ readonly orders: readonly Order[]; readonly next: OutTradeNo | null }>
}

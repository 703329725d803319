/** The order numbers that an earlier system of the merchant has used. */

/**
 * Whether the payment of the earlier order may settle the shop's order. `if reported`: only if an
 * incident named the payment before the shop's order was placed.
 */
export type MayPay = 'always' | 'if reported' | 'never'

/** The order numbers of the earlier system begin with this. */
export const EARLIER = 'earlier-'
export const isEarlier = (outTradeNo: string): boolean => outTradeNo.startsWith(EARLIER)

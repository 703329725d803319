/**
 * The account an order is placed under. It is one of the order's terms: it is stored with the
 * order, and every later message about the order uses it.
 */
export interface Account {
  readonly appid: string
  /** The merchant number. */
  readonly mchId: string
  /** WeChat Pay's API version: `v2` or `v3`. Names the adapter in `lib/wechat/` that speaks it. */
  readonly protocol: string
  /** Set only where a service provider's merchant acts for another merchant. */
  readonly sub: SubAccount | null
}

export interface SubAccount {
  readonly mchId: string
  readonly appid: string | null
}

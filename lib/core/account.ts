/**
 * The account an order is placed under. It is one of the order's terms: it is stored with the order, and every later message
 * about the order goes by it.
 */
export interface Account {
  readonly appid: string
  /** The merchant number. */
  readonly mchId: string
  readonly protocol: Protocol
  /** Set only where a service provider's merchant acts for another merchant. */
  readonly sub: SubAccount | null
}

export const PROTOCOLS = ['v2', 'v3'] as const
/** WeChat Pay's API version. */
export type Protocol = (typeof PROTOCOLS)[number]

export interface SubAccount {
  readonly mchId: string
  readonly appid: string | null
}

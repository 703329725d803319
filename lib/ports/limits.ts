/** What a caller could wear out by asking too often. */
export type LimitedStep = 'login' | 'orders' | 'prepay' | 'health'

/** Whose calls are counted: a user, by appid and openid, or everybody behind one address. */
export interface LimitedCaller {
  readonly kind: 'user' | 'address'
  readonly id: string
}

/** How often is too often, and who is known to be past it. A courtesy, never a lock: where the count fails, all may call. */
export interface Limits {
  /** Seconds until they may call again, when one of them is known to be over; null otherwise. From memory: nobody is asked. */
  secondsLeft(step: LimitedStep, callers: readonly LimitedCaller[]): number | null
  /** Counts one call of each, and remembers who is over. One request to Redis; never throws. */
  count(step: LimitedStep, callers: readonly LimitedCaller[]): Promise<void>
}

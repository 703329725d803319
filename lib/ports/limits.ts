/** The calls that are limited. `key` stands for a wrong key, in a call of any function. */
export type LimitedStep = 'login' | 'orders' | 'prepay' | 'shipping' | 'health' | 'key'

/** The caller that is counted: a user, by appid and openid, or all callers behind one address. */
export interface LimitedCaller {
  readonly kind: 'user' | 'address'
  readonly id: string
}

/**
 * Rate limits. They fail open: without Redis each instance counts only its own calls, and a caller
 * within the limit is never refused.
 */
export interface Limits {
  /**
   * Seconds until the callers may call again, if one of them has reached its limit; null otherwise.
   * Reads only this instance's memory.
   */
  secondsLeft(step: LimitedStep, callers: readonly LimitedCaller[]): number | null
  /**
   * Counts one call of each caller. A first call is counted in memory only; with a second one both
   * are reported, in one request to Redis. Never throws.
   */
  count(step: LimitedStep, callers: readonly LimitedCaller[]): Promise<void>
}

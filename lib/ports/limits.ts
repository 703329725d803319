/** The calls that are limited. `key` stands for a wrong key, in a call of any function. */
export type LimitedStep = 'login' | 'orders' | 'prepay' | 'shipping' | 'health' | 'key'

/** The caller that is counted: a user, by appid and openid, or all callers behind one address. */
export interface LimitedCaller {
  readonly kind: 'user' | 'address'
  readonly id: string
}

/**
 * Rate limits. They fail open: if Redis does not count, every caller may continue. Wrong keys are
 * an exception: each instance also counts those itself.
 */
export interface Limits {
  /**
   * Seconds until the callers may call again, if one of them is over its limit; null otherwise.
   * Reads only this instance's memory.
   */
  secondsLeft(step: LimitedStep, callers: readonly LimitedCaller[]): number | null
  /**
   * Counts one call of each caller, and stores who is over the limit. One request to Redis. Never
   * throws.
   */
  count(step: LimitedStep, callers: readonly LimitedCaller[]): Promise<void>
}

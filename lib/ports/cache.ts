/** A cached `prepay_id`. */
export interface CachedPrepay {
  readonly prepayId: string
  /** The gateway's `prepayKey` of the order. Under another key the `prepay_id` is not reused. */
  readonly key: string
  /** In epoch milliseconds. */
  readonly madeAt: number
}

type State = 'up' | 'down'

/** Health without `redis`: an instance that reads this entry has reached Redis. */
export interface SharedHealth {
  readonly database: State
  readonly wechat: State
}

/** Whether each dependency works. */
export interface Health extends SharedHealth {
  readonly redis: State
}

/** A held lock. Only the holder can release it, because only the holder knows the token. */
export interface Lock {
  readonly name: string
  readonly token: string
}

/** The kept value, the lock for making it, or `busy`: another run holds the lock. */
export type Found<T> = { readonly kept: T } | { readonly lock: Lock } | 'busy' | 'down'

/** Values that one run makes and all runs use. Each call is one round trip. */
export interface Shared<T> {
  find(id: string): Promise<Found<T>>
  /** Keeps the value in place of the lock for making it. */
  keep(id: string, value: T, lifeMs: number): Promise<void>
  /** Removes this value, but not a newer one. */
  forget(id: string, value: T): Promise<void>
}

/**
 * A cache and a lock, never the truth. Nothing here throws: without Redis the result is `down`, and
 * the caller goes on.
 */
export interface Cache {
  /** By order number. */
  readonly prepays: Shared<CachedPrepay>
  /** By appid. */
  readonly accessTokens: Shared<string>
  lockNotification(outTradeNo: string): Promise<Lock | 'busy' | 'down'>
  release(lock: Lock): Promise<void>
  /** Keeps for some minutes that the test notification with this message has arrived. */
  keepEcho(message: string): Promise<void>
  /**
   * Notes that a pushed message was handled. Returns true for its first copy. Without Redis every
   * copy is the first, because handling one again is harmless.
   */
  claimPush(id: string): Promise<boolean>
  /** The last health answer of any instance, and its remaining lifetime; `none` if it expired. */
  findHealth(): Promise<
    { readonly health: SharedHealth; readonly lifeMs: number } | 'none' | 'down'
  >
  /** Returns true if Redis stored it. */
  keepHealth(health: SharedHealth, lifeMs: number): Promise<boolean>
}

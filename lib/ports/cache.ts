import type { Health } from '../core/health.ts'
import type { OutTradeNo } from '../core/ids.ts'
import type { AccessToken } from './wechat.ts'

/** What a `prepay_id` was made for and when. */
export interface Prepaid {
  readonly prepayId: string
  readonly key: string
  readonly madeAt: number
}

/** Health without `redis`: an instance that reads this entry has reached Redis. */
export type SharedHealth = Omit<Health, 'redis'>

/** Released only by its holder, by token. */
export interface Lock {
  readonly name: string
  readonly token: string
}

/**
 * A cache and a lock, never the truth. Nothing here throws: out of reach is `down`, and the caller goes on without.
 */
export interface Cache {
  /** In one round trip: the kept `prepay_id`, else the right to place the order, else word that somebody else is at it. */
  findPrepay(
    outTradeNo: OutTradeNo,
  ): Promise<{ readonly kept: Prepaid } | { readonly lock: Lock } | 'busy' | 'down'>
  /** In one round trip: kept, and the turn to place the order given up, so that whoever waits for it finds what it made. */
  keepPrepay(
    outTradeNo: OutTradeNo,
    prepaid: Prepaid,
    lifeMs: number,
    lock: Lock | null,
  ): Promise<void>
  /** Like `findPrepay`, for the one access token that all instances share. */
  findAccessToken(): Promise<{ readonly kept: string } | { readonly lock: Lock } | 'busy' | 'down'>
  keepAccessToken(token: AccessToken): Promise<void>
  /** Only while it is still this one. */
  forgetAccessToken(token: string): Promise<void>
  /** Only while it is still this one. */
  forgetPrepay(outTradeNo: OutTradeNo, prepaid: Prepaid): Promise<void>
  lockNotification(outTradeNo: string): Promise<Lock | 'busy' | 'down'>
  release(lock: Lock): Promise<void>
  /** The last health answer of any instance, and the rest of its life. */
  findHealth(): Promise<
    { readonly health: SharedHealth; readonly lifeMs: number } | 'none' | 'down'
  >
  /** Returns true if Redis stored it. */
  keepHealth(health: SharedHealth, lifeMs: number): Promise<boolean>
}

import type { PushAccount } from './push/account.ts'
import type { State } from './state.ts'
import type { V3, V3Settings } from './v3/account.ts'

/** The Mini Program and the merchant of this WeChat. */
export interface Account {
  readonly appid: string
  readonly appSecret: string
  readonly mchId: string
  readonly payKey: string
  /** Without them the simulator speaks v2 only. */
  readonly v3?: V3Settings
  /** Without it nothing is pushed. */
  readonly push?: PushAccount
}

/**
 * The data that every operation works on. Operations change `state` synchronously, so two of them
 * never interleave.
 */
export interface Simulation {
  readonly account: Account
  readonly state: State
  /** Null if the account has no settings of APIv3. */
  readonly v3: V3 | null
  /** In milliseconds, by the simulator's clock. */
  readonly now: () => number
  /** Must be called after a change, before its answer is sent. */
  readonly save: () => void
}

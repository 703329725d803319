import type { State } from './state.ts'

/** The Mini Program and the merchant of this WeChat. */
export interface Account {
  readonly appid: string
  readonly appSecret: string
  readonly mchId: string
  readonly payKey: string
}

/**
 * The data that every operation works on. Operations change `state` synchronously, so two of them
 * never interleave.
 */
export interface Simulation {
  readonly account: Account
  readonly state: State
  /** In milliseconds, by the simulator's clock. */
  readonly now: () => number
  /** Must be called after a change, before its answer is sent. */
  readonly save: () => void
}

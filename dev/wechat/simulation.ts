import type { State } from './state.ts'

/** The one Mini Program and the one merchant this WeChat knows. */
export interface Account {
  readonly appid: string
  readonly appSecret: string
  readonly mchId: string
  readonly payKey: string
}

/** What every operation works on. An operation changes `state` without awaiting anything, so no two of them interleave. */
export interface Simulation {
  readonly account: Account
  readonly state: State
  /** Milliseconds by the simulator's clock. */
  readonly now: () => number
  /** To be called after a change and before anybody is told of it. */
  readonly save: () => void
}

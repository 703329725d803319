import type { Deps, Health, Limits, Tokens } from '../ports.ts'
import type { Remembered } from './remembered.ts'

/** The other sides that a caller may have to wait for. */
export type Peer = 'database' | 'redis' | 'wechat' | 'wechat pay'

/** The dependencies that only the HTTP layer uses, and two that it shares with the steps. */
export interface Edge extends Pick<Deps, 'clock' | 'waitUntil'> {
  /** Null: the merchant cannot call. */
  readonly merchantKey: string | null
  /** Null: cron cannot call. */
  readonly cronSecret: string | null
  readonly tokens: Pick<Tokens, 'read'>
  readonly limits: Limits
  /** Resolves when tracing has started. Null: there are no traces. */
  readonly tracing: Promise<void> | null
  /** Returns the last health answer of this instance until it expires, then calls `ask`. */
  readonly rememberHealth: (ask: () => Promise<Remembered<Health>>) => Promise<Health>
  /** The reader of this answer may read WeChat's own texts: it is the merchant, or its cron. */
  readonly markReaderAsMerchant: () => void
  /** Opens the missing connections, side by side. It never throws. */
  readonly openConnections: (peers: readonly Peer[]) => void
}

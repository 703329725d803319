import type { Openid } from './ids.ts'
import type { OrderTerms } from './order.ts'

/** A user of a Mini Program. An openid identifies a user in one app only. */
export interface User {
  readonly appid: string
  readonly openid: Openid
}

/** Who asks: a payer by their token, the merchant's own system by its key, or Vercel's cron by its secret. */
export type Caller =
  | ({ readonly kind: 'user' } & User)
  | { readonly kind: 'merchant' }
  | { readonly kind: 'cron' }

/** A user sees their own orders only; somebody else's looks to them like none at all. */
export const maySee = (caller: Caller, order: Pick<OrderTerms, 'openid' | 'account'>): boolean =>
  caller.kind === 'merchant' ||
  (caller.kind === 'user' && caller.openid === order.openid && caller.appid === order.account.appid)

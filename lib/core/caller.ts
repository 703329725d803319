import type { Openid } from './ids.ts'
import type { OrderTerms } from './order.ts'

/** A user of a Mini Program. An openid identifies a user in one app only. */
export interface User {
  readonly appid: string
  readonly openid: Openid
}

/**
 * The caller: a payer with a token, the merchant's own system with its key, or Vercel's cron with
 * its secret.
 */
export type Caller =
  | ({ readonly kind: 'user' } & User)
  | { readonly kind: 'merchant' }
  | { readonly kind: 'cron' }

/**
 * A user sees only their own orders. For another user's order, the answer is the same as for no
 * order.
 */
export const maySee = (caller: Caller, order: Pick<OrderTerms, 'openid' | 'account'>): boolean =>
  caller.kind === 'merchant' ||
  (caller.kind === 'user' && caller.openid === order.openid && caller.appid === order.account.appid)

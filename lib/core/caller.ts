import type { Openid } from './ids.ts'
import {
  toMerchantOrderView,
  toOrderView,
  type Order,
  type OrderTerms,
  type OrderView,
} from './order.ts'

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

/** An order as this caller sees it: only the merchant sees the payer's openid. */
export const orderViewFor = (caller: Caller): ((order: Order) => OrderView) =>
  caller.kind === 'merchant' ? toMerchantOrderView : toOrderView

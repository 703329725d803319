import type { Caller } from '../core/caller.ts'
import type { Openid, OutTradeNo } from '../core/ids.ts'
import type { TradeState } from '../core/order.ts'
import type { Deps } from '../ports.ts'

export interface ListRequest {
  readonly tradeState?: readonly TradeState[] | undefined
  /** The merchant's filters: a payer, and the time of placing from `createdFrom` to `createdTo`. */
  readonly openid?: Openid | undefined
  readonly createdFrom?: Date | undefined
  readonly createdTo?: Date | undefined
  /** The last order of the previous page. */
  readonly cursor?: { readonly last: OutTradeNo } | undefined
  readonly limit: number
}

/** A page of orders, newest first: a payer's own, or all orders for the merchant. */
export function listOrders(
  deps: Pick<Deps, 'ledger'>,
  caller: Caller,
  { tradeState, openid, createdFrom, createdTo, cursor, limit }: ListRequest,
): ReturnType<Deps['ledger']['list']> {
  const named = openid === undefined ? null : { openid, appid: null }
  const isTimed = createdFrom !== undefined || createdTo !== undefined
  return deps.ledger.list({
    payer: caller.kind === 'user' ? caller : named,
    tradeStates: tradeState ?? null,
    placed: isTimed ? { from: createdFrom ?? null, to: createdTo ?? null } : null,
    before: cursor?.last ?? null,
    limit,
  })
}

import type { Caller } from '../core/caller.ts'
import type { OutTradeNo } from '../core/ids.ts'
import type { TradeState } from '../core/order.ts'
import type { Deps } from '../ports.ts'

export interface ListRequest {
  readonly tradeState?: readonly TradeState[] | undefined
  /** The last order of the previous page. */
  readonly cursor?: OutTradeNo | undefined
  readonly limit: number
}

/** A page of orders, newest first: a payer's own, or all orders for the merchant. */
export const listOrders = (
  deps: Pick<Deps, 'ledger'>,
  caller: Caller,
  { tradeState, cursor, limit }: ListRequest,
): ReturnType<Deps['ledger']['list']> =>
  deps.ledger.list({
    payer: caller.kind === 'user' ? caller : null,
    tradeStates: tradeState ?? null,
    before: cursor ?? null,
    limit,
  })

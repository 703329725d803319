import type { Caller } from '../core/caller.ts'
import type { Failure } from '../core/failure.ts'
import { parseOutTradeNo, type OutTradeNo } from '../core/ids.ts'
import type { Order, TradeState } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'

export interface ListRequest {
  readonly tradeState?: readonly TradeState[] | undefined
  readonly cursor?: string | undefined
  readonly limit: number
}

/** A page of orders, newest first: a payer's own, or all for the merchant. The cursor is ours to read, nobody else's. */
export async function listOrders(
  deps: Pick<Deps, 'ledger'>,
  caller: Caller,
  { tradeState, cursor, limit }: ListRequest,
): Promise<Result<{ orders: readonly Order[]; nextCursor: string | null }, Failure>> {
  const before = cursor === undefined ? null : readCursor(cursor)
  if (before?.ok === false) return before
  const page = await deps.ledger.list({
    payer: caller.kind === 'user' ? caller : null,
    tradeStates: tradeState ?? null,
    before: before?.value ?? null,
    limit,
  })
  return ok({ orders: page.orders, nextCursor: page.next === null ? null : toCursor(page.next) })
}

/** The last order of a page, and no running number: that would tell a payer how much the shop sells. */
const toCursor = (outTradeNo: OutTradeNo): string =>
  Buffer.from(outTradeNo, 'utf8').toString('base64url')

function readCursor(cursor: string): Result<OutTradeNo, Failure> {
  const last = parseOutTradeNo(Buffer.from(cursor, 'base64url').toString('utf8'))
  if (last.ok && toCursor(last.value) === cursor) return last
  return err({
    reason: 'invalid_request',
    field: 'cursor',
    expected: 'the nextCursor of an earlier page',
  })
}

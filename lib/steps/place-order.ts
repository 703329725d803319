import type { Failure } from '../core/failure.ts'
import { fingerprint } from '../core/fingerprint.ts'
import { newOutTradeNo, type Openid, type OutTradeNo } from '../core/ids.ts'
import type { Fen } from '../core/money.ts'
import { DEFAULT_LIFE_MS, type Order } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import { toWholeSeconds } from '../core/time.ts'
import type { BasketLine, Deps, OrderDraft, PlacedOrder } from '../ports.ts'

type PlaceDeps = Pick<
  Deps,
  'account' | 'ledger' | 'clock' | 'notifyUrl' | 'randomBytes' | 'maxOpenOrders'
>

export interface Asked {
  /** Programs read it, so it is stored and sent unchanged. */
  readonly attach?: string | undefined
  readonly idempotencyKey: string | null
  readonly clientIp: string
}

/**
 * Repeated: the order was placed by an earlier request with the same number or key, and the same
 * content.
 */
export type Placed = { readonly order: Order; readonly repeatedBy: 'key' | 'number' | null }

/** A payer's order: priced by the catalogue, never by the phone. */
export async function placeFromCatalogue(
  deps: PlaceDeps,
  openid: Openid,
  basket: readonly BasketLine[],
  asked: Asked,
): Promise<Result<Placed, Failure>> {
  const draft = draftOrder(deps, {
    ...asked,
    openid,
    key: asked.idempotencyKey === null ? null : `user:${openid}:${asked.idempotencyKey}`,
    content: [openid, basket.map((line) => [line.sku, line.quantity]), asked.attach ?? null],
  })
  return toResult(await deps.ledger.placeFromCatalogue(draft, basket, deps.maxOpenOrders), 'key')
}

export interface PricedOrder {
  readonly openid: Openid
  readonly totalFee: Fen
  /** `shown` is what WeChat shows; `sent` identifies the request. */
  readonly body: { readonly sent: string; readonly shown: string }
  readonly outTradeNo?: OutTradeNo | undefined
  readonly timeExpire?: Date | undefined
}

/**
 * The merchant's order: its own price, and its own number if it likes; the same number with the
 * same content is the same order.
 */
export async function placePriced(
  deps: PlaceDeps,
  priced: PricedOrder,
  asked: Asked,
): Promise<Result<Placed, Failure>> {
  const { openid, totalFee, body, outTradeNo, timeExpire } = priced
  const draft = draftOrder(deps, {
    ...asked,
    openid,
    outTradeNo,
    timeExpire,
    key: asked.idempotencyKey === null ? null : `merchant:${asked.idempotencyKey}`,
    content: [
      openid,
      totalFee,
      body.sent,
      outTradeNo ?? null,
      asked.attach ?? null,
      timeExpire?.toISOString() ?? null,
    ],
  })
  const placed = await deps.ledger.placePriced(draft, { totalFee, body: body.shown })
  return toResult(placed, outTradeNo === undefined ? 'key' : 'number')
}

interface Draft extends Asked {
  readonly openid: Openid
  readonly outTradeNo?: OutTradeNo | undefined
  readonly timeExpire?: Date | undefined
  readonly key: string | null
  readonly content: readonly unknown[]
}

function draftOrder(
  deps: PlaceDeps,
  { openid, outTradeNo, timeExpire, attach, clientIp, key, content }: Draft,
): OrderDraft {
  const createdAt = toWholeSeconds(deps.clock.now())
  return {
    outTradeNo: outTradeNo ?? newOutTradeNo(createdAt, deps.randomBytes(9)),
    account: deps.account,
    openid,
    attach: attach || null,
    clientIp,
    notifyUrl: deps.notifyUrl,
    createdAt,
    timeExpire: toWholeSeconds(timeExpire ?? new Date(createdAt.getTime() + DEFAULT_LIFE_MS)),
    requestKey: key,
    requestHash: fingerprint(content),
  }
}

function toResult(placed: PlacedOrder, repeatedBy: 'key' | 'number'): Result<Placed, Failure> {
  switch (placed.outcome) {
    case 'placed':
      return ok({ order: placed.order, repeatedBy: null })
    case 'repeated':
      return ok({ order: placed.order, repeatedBy })
    case 'conflict':
      return err({ reason: 'order_conflict' })
    case 'too_many_open':
      return err({ reason: 'too_many_open_orders', most: placed.most })
    case 'no_such_product':
      return err({
        reason: 'invalid_request',
        field: 'items',
        expected: `products of the catalogue, which has no ${placed.skus}`,
      })
    case 'too_expensive':
      return err({
        reason: 'invalid_request',
        field: 'items',
        expected: 'a total that WeChat can take',
      })
    case 'expiry_out_of_range':
      return err({
        reason: 'invalid_request',
        field: 'timeExpire',
        expected: 'between 5 minutes and 7 days from now',
      })
  }
}

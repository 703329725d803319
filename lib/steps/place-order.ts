import type { User } from '../core/caller.ts'
import { fingerprint } from '../core/fingerprint.ts'
import { newOutTradeNo, type Openid, type OutTradeNo } from '../core/ids.ts'
import type { Fen } from '../core/money.ts'
import { DEFAULT_LIFE_MS, type Order } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import { toWholeSeconds } from '../core/time.ts'
import { virtualGoodsRefused } from '../core/virtual-goods.ts'
import type { BasketLine, Deps, OrderDraft, PlacedOrder } from '../ports.ts'

type PlaceDeps = Pick<
  Deps,
  | 'account'
  | 'ledger'
  | 'clock'
  | 'notifyUrl'
  | 'randomBytes'
  | 'maxOpenOrders'
  | 'autoShipping'
  | 'virtualGoodsAllowed'
>

export interface Asked {
  /** Programs read it, so it is stored and sent unchanged. */
  readonly attach?: string | undefined
  readonly idempotencyKey: string | null
  readonly clientIp: string
  /** The number of a new order, unless the merchant names one. */
  readonly newNumber: OutTradeNo
}

export const newNumber = ({
  clock,
  randomBytes,
}: Pick<Deps, 'clock' | 'randomBytes'>): OutTradeNo =>
  newOutTradeNo(toWholeSeconds(clock.now()), randomBytes(9))

/**
 * `repeatedBy`: an earlier request with the same key or number, and the same content, has placed
 * the order. Null: this request has placed it.
 */
export type Placed = { readonly order: Order; readonly repeatedBy: 'key' | 'number' | null }

/**
 * A payer's order: priced by the catalogue, never by the client. A user of another app than the
 * default account's must log in again, because WeChat does not know the openid in that app.
 */
export async function placeFromCatalogue(
  deps: PlaceDeps,
  { appid, openid }: User,
  basket: readonly BasketLine[],
  asked: Asked,
): Promise<Outcome<Placed>> {
  if (appid !== deps.account.appid) return err({ reason: 'not_signed_in', needs: ['user'] })
  if (isRefusedAsVirtual(deps)) return err(virtualGoodsRefused)
  const content = [openid, basket.map((line) => [line.sku, line.quantity]), asked.attach]
  const draft = draftOrder(deps, asked, { openid }, `user:${openid}`, content)
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
 * The merchant's order, with a price and optionally a number of the merchant's own. The same number
 * with the same content is the same order.
 */
export async function placePriced(
  deps: PlaceDeps,
  priced: PricedOrder,
  asked: Asked,
): Promise<Outcome<Placed>> {
  if (isRefusedAsVirtual(deps)) return err(virtualGoodsRefused)
  const { openid, totalFee, body, outTradeNo, timeExpire } = priced
  const content = [openid, totalFee, body.sent, outTradeNo, asked.attach, timeExpire]
  const draft = draftOrder(deps, asked, priced, 'merchant', content)
  const placed = await deps.ledger.placePriced(draft, { totalFee, body: body.shown })
  return toResult(placed, outTradeNo === undefined ? 'key' : 'number')
}

/**
 * A shop that ships everything as virtual takes no order without the confirmation. Orders are
 * refused, not shipments: once the money is taken, only a shipment releases it.
 */
const isRefusedAsVirtual = (deps: PlaceDeps): boolean =>
  deps.autoShipping === 'virtual' && !deps.virtualGoodsAllowed

function draftOrder(
  deps: PlaceDeps,
  { attach, idempotencyKey, clientIp, newNumber: number }: Asked,
  {
    openid,
    outTradeNo = number,
    timeExpire,
  }: Pick<PricedOrder, 'openid' | 'outTradeNo' | 'timeExpire'>,
  caller: string,
  content: readonly unknown[],
): OrderDraft {
  const createdAt = toWholeSeconds(deps.clock.now())
  return {
    outTradeNo,
    account: deps.account,
    openid,
    attach: attach || null,
    clientIp,
    notifyUrl: deps.notifyUrl,
    createdAt,
    timeExpire: toWholeSeconds(timeExpire ?? new Date(createdAt.getTime() + DEFAULT_LIFE_MS)),
    requestKey: idempotencyKey === null ? null : `${caller}:${idempotencyKey}`,
    requestHash: fingerprint(content),
  }
}

const toResult = (placed: PlacedOrder, repeatedBy: 'key' | 'number'): Outcome<Placed> =>
  'failure' in placed
    ? err(placed.failure)
    : ok({ order: placed.order, repeatedBy: placed.outcome === 'repeated' ? repeatedBy : null })

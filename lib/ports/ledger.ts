import type { User } from '../core/caller.ts'
import type { Confirmation } from '../core/confirmation.ts'
import type { Failure } from '../core/failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import type { Fen } from '../core/money.ts'
import type { Order, OrderTerms, PaidOrder, TradeState } from '../core/order.ts'
import type { LogisticsType } from '../core/shipment.ts'

export type OrderReference =
  | { readonly outTradeNo: OutTradeNo }
  | { readonly transactionId: string }

export interface BasketLine {
  readonly sku: string
  readonly quantity: number
}

/** An order before it has a price. */
export interface OrderDraft extends Omit<OrderTerms, 'totalFee' | 'body' | 'items'> {
  /** The caller and the `Idempotency-Key`; null without a key. */
  readonly requestKey: string | null
  /** SHA-256 of the request. The same key with another hash is a conflict. */
  readonly requestHash: string
}

export type PlacedOrder =
  | { readonly outcome: 'placed' | 'repeated'; readonly order: Order }
  | { readonly outcome: 'conflict' | 'refused'; readonly failure: Failure }

export type ConfirmationSource = 'notify' | 'query' | 'cron' | 'prepay' | 'close'

/** At `from` or later and before `to`; at least one of the two is set. */
export interface Period {
  readonly from: Date | null
  readonly to: Date | null
}

export interface OrderFilter {
  /** Null: orders of all payers. `appid: null`: orders of this openid in every app. */
  readonly payer: (Pick<User, 'openid'> & { readonly appid: string | null }) | null
  /** Orders in any of these distinct states; null: in any state. */
  readonly tradeStates: readonly TradeState[] | null
  /**
   * When the order was placed. Null: at any time.
   *
   * With this filter the list is sorted by the time of the order, otherwise by the sequence in
   * which orders were stored. The two may differ, because the clocks of instances differ.
   */
  readonly placed: Period | null
  /** Only orders after this one in the list. */
  readonly before: OutTradeNo | null
  readonly limit: number
}

/** A correctly signed message contradicts the ledger. A person must look. */
export interface Incident {
  readonly kind: string
  /** Null if it concerns no single order. */
  readonly outTradeNo: string | null
  readonly expected: Readonly<Record<string, string | number | null>>
  readonly received: Readonly<Record<string, string | number | null>>
  readonly source: ConfirmationSource
  readonly at: Date
}

/**
 * The source of truth. Each change is one atomic statement that contains its condition and appends
 * its event.
 */
export interface Ledger {
  /**
   * Prices the basket from the catalogue and stores the order, in one statement. It is refused if
   * the payer has placed `maxOpen` other orders that have not expired and may still be paid:
   * unpaid, or closed here and not yet at WeChat. A repeated request for a stored order still
   * returns `repeated`.
   */
  placeFromCatalogue(
    draft: OrderDraft,
    basket: readonly BasketLine[],
    maxOpen: number,
  ): Promise<PlacedOrder>
  /**
   * Stores an order that the merchant priced. The same number or key with the same content is
   * `repeated` at any time.
   */
  placePriced(
    draft: OrderDraft,
    priced: { readonly totalFee: Fen; readonly body: string },
  ): Promise<PlacedOrder>
  find(order: OrderReference): Promise<Order | null>
  /** Newest first. */
  list(
    filter: OrderFilter,
  ): Promise<{ readonly orders: readonly Order[]; readonly next: OutTradeNo | null }>
  /**
   * Moves the order from NOTPAY or CLOSED to SUCCESS, with its payment, its `order.paid` event and,
   * with `autoShipping`, a pending shipment. A second call has no effect.
   *
   * Returns the order afterwards. `other_payment`: WeChat's number has paid another order, or this
   * order was paid by another number.
   */
  settle(
    order: Order,
    confirmation: Confirmation,
    source: ConfirmationSource,
    at: Date,
    autoShipping: LogisticsType | null,
  ): Promise<{ moved: boolean; order: PaidOrder } | 'other_payment'>
  /**
   * Moves the order from NOTPAY to CLOSED, with its event. On a closed order it only stores that
   * WeChat has closed it, too. Returns the order afterwards.
   */
  close(order: Order, closedAtWechat: boolean, at: Date): Promise<Order>
  /**
   * Stores the incident once, with its `payment.incident` event. If an incident of kind `order`
   * came only from a bill (source `cron`), a later notification or query becomes its source.
   */
  recordIncident(incident: Incident): Promise<void>
  /**
   * Whether, before the order was placed, a notification or the merchant's query left an incident
   * of kind `order` for exactly this payment. An incident from a bill alone does not count, because
   * an earlier system may have placed that order.
   */
  wasReportedMissing(order: Order, confirmation: Confirmation): Promise<boolean>
  /**
   * Takes orders that can still change at WeChat and were neither placed nor queried after
   * `quietSince`. The payers take turns, each with the order that has waited longest. Marks the
   * returned orders as queried.
   */
  takeUnfinished(limit: number, quietSince: Date, at: Date): Promise<readonly Order[]>
  /** Whether the database answers and accepts writes. Nothing is written. */
  isReachable(): Promise<boolean>
}

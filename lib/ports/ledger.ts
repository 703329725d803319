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

/** What an order is placed from, besides its price. */
export interface OrderDraft extends Omit<OrderTerms, 'totalFee' | 'body' | 'items'> {
  /** Who asks and under which `Idempotency-Key`; null without one. */
  readonly requestKey: string | null
  /** SHA-256 of what was asked: the same key with another hash is a conflict. */
  readonly requestHash: string
}

export type PlacedOrder =
  | { readonly outcome: 'placed' | 'repeated'; readonly order: Order }
  | { readonly outcome: 'conflict' | 'refused'; readonly failure: Failure }

export type ConfirmationSource = 'notify' | 'query' | 'cron' | 'prepay' | 'close'

export interface OrderFilter {
  /** Null: orders of all payers. */
  readonly payer: User | null
  /** Orders in any of these distinct states; null: in any state. */
  readonly tradeStates: readonly TradeState[] | null
  /** Only orders placed before this one, which the same filter has shown. */
  readonly before: OutTradeNo | null
  readonly limit: number
}

/** A rightly signed message that says otherwise than the ledger, for a person to look at. */
export interface Incident {
  readonly kind: string
  /** Null when it is about no single order. */
  readonly outTradeNo: string | null
  readonly expected: Readonly<Record<string, string | number | null>>
  readonly received: Readonly<Record<string, string | number | null>>
  readonly source: ConfirmationSource
  readonly at: Date
}

/** The truth. Each change is one atomic statement with its condition inside, and appends the event it means. */
export interface Ledger {
  /**
   * Prices the basket from the catalogue and stores the order, in one statement. Refused if the payer has `maxOpen` own orders
   * that are not paid, closed or expired. Repeating an order that was placed still gives `repeated`.
   */
  placeFromCatalogue(
    draft: OrderDraft,
    basket: readonly BasketLine[],
    maxOpen: number,
  ): Promise<PlacedOrder>
  /** Stores an order the merchant priced. The same number or key with the same content is `repeated`, however late. */
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
   * NOTPAY or CLOSED to SUCCESS with its payment, its `order.paid` event and, with `autoShipping`, a pending shipment,
   * once: a second call has no effect.
   * Returns what the order is afterwards; `other_payment` when WeChat's number already paid another order, or this
   * order was paid by another number.
   */
  settle(
    order: Order,
    confirmation: Confirmation,
    source: ConfirmationSource,
    at: Date,
    autoShipping: LogisticsType | null,
  ): Promise<{ moved: boolean; order: PaidOrder } | 'other_payment'>
  /** NOTPAY to CLOSED with its event; on a closed order only notes WeChat's agreement. Returns what the order is afterwards. */
  close(order: Order, closedAtWechat: boolean, at: Date): Promise<Order>
  /**
   * Kept once, with its `payment.incident` event, however often it is repeated. For an incident of kind `order` that only a bill
   * (source `cron`) told of, a later notification or query becomes the source.
   */
  recordIncident(incident: Incident): Promise<void>
  /**
   * Whether, before the order was placed, a notification or the merchant's query left an incident of kind `order` for exactly
   * this payment. An incident that only a bill told of does not count: an earlier system may have placed that order.
   */
  wasReportedMissing(order: Order, confirmation: Confirmation): Promise<boolean>
  /**
   * Takes orders that may still change at WeChat and were neither placed nor asked about after `quietSince`. The payers take turns, each with
   * the order that has waited longest. Marks the returned orders as asked.
   */
  takeUnfinished(limit: number, quietSince: Date, at: Date): Promise<readonly Order[]>
  /** Whether the database answers and would accept a write. Nothing is written. */
  isReachable(): Promise<boolean>
}

/**
 * What the steps need of the world, in payment words. Nothing above this file knows which WeChat version, database or
 * cache is behind it.
 */
import type { Confirmation } from './core/confirmation.ts'
import type { Failure } from './core/failure.ts'
import type { Openid, OutTradeNo } from './core/ids.ts'
import type { LogFields } from './core/log-fields.ts'
import type { Fen } from './core/money.ts'
import type { Order, OrderTerms, OrderView, PaidOrder, TradeState } from './core/order.ts'
import type { Result } from './core/result.ts'

/** What a login brings from the phone. The optional fields are proofs about the user, all checked or none believed. */
export interface LoginRequest {
  readonly code: string
  readonly rawData?: string | undefined
  readonly signature?: string | undefined
  readonly encryptedData?: string | undefined
  readonly iv?: string | undefined
}

export interface Identity {
  readonly openid: Openid
  readonly unionid: string | null
}

/** `number_taken`: WeChat holds this order number with other content, which is not for us to repeat. */
export type Placement =
  | { readonly outcome: 'placed'; readonly prepayId: string }
  | { readonly outcome: 'paid' | 'closed' }
  | { readonly outcome: 'number_taken'; readonly code: string }

export type OrderAtWechat =
  | { readonly state: 'paid'; readonly confirmation: Confirmation }
  /** `missing`: WeChat never heard of the order. */
  | { readonly state: 'open' | 'closed' | 'missing' }

/** `not_now`: WeChat does not close it at this moment, for instance because it is younger than five minutes. */
export type Closing = 'closed' | 'paid' | 'missing' | 'not_now'

export type Notice = { readonly kind: 'paid'; readonly confirmation: Confirmation } | { readonly kind: 'not_paid' }

/** The argument of `wx.requestPayment`, and `appId` beside it, which is signed too. */
export interface PaymentArguments {
  readonly appId: string
  readonly timeStamp: string
  readonly nonceStr: string
  readonly package: string
  readonly signType: string
  readonly paySign: string
}

export type OrderReference = { readonly outTradeNo: OutTradeNo } | { readonly transactionId: string }

/** WeChat. Every answer is verified before it is a value; `wechat_unknown` means "perhaps", never "no". */
export interface Wechat {
  logIn(request: LoginRequest): Promise<Result<Identity, Failure>>
  /** Idempotent: WeChat answers identical terms with the same order. */
  placeOrder(terms: OrderTerms): Promise<Result<Placement, Failure>>
  askOrder(order: OrderReference): Promise<Result<OrderAtWechat, Failure>>
  closeOrder(outTradeNo: OutTradeNo): Promise<Result<Closing, Failure>>
  /** Names everything a `prepay_id` is good for: a kept one made for anything else is not used. */
  prepayKey(terms: OrderTerms): string
  signPayment(prepayId: string, at: Date): PaymentArguments
  readNotice(bytes: Uint8Array): Result<Notice, Failure>
  isReachable(): Promise<boolean>
}

export interface Login {
  readonly openid: Openid
  readonly unionid: string | null
  readonly nickname: string | null
  readonly avatarUrl: string | null
  /** SHA-256 of the whole login request, so that a repeat is recognised and an eavesdropped code is worth nothing. */
  readonly requestHash: string
  readonly at: Date
}

export interface Users {
  /** Idempotent. What a login leaves out is kept from an earlier one. */
  remember(login: Login): Promise<void>
  findLogin(requestHash: string, since: Date): Promise<{ readonly openid: Openid; readonly at: Date } | null>
}

export interface Product {
  readonly sku: string
  readonly name: string
  readonly price: Fen
}

export interface Catalogue {
  /** Active products only, by sku. */
  list(): Promise<readonly Product[]>
  /** Adds or changes; atomic. */
  save(products: readonly (Product & { readonly active: boolean })[], at: Date): Promise<void>
}

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
  | { readonly outcome: 'conflict' | 'too_expensive' | 'expiry_out_of_range' }
  | { readonly outcome: 'no_such_product'; readonly skus: string }

export type NewsSource = 'notify' | 'query' | 'cron' | 'prepay' | 'close'

export interface OrderFilter {
  readonly openid: Openid | null
  readonly tradeState: TradeState | null
  /** Only orders placed before this one. */
  readonly before: string | null
  readonly limit: number
}

/** A rightly signed message that says otherwise than the ledger, for a person to look at. */
export interface Incident {
  readonly kind: string
  readonly outTradeNo: string
  readonly expected: Readonly<Record<string, string | number | null>>
  readonly received: Readonly<Record<string, string | number | null>>
  readonly source: NewsSource
  readonly at: Date
}

/** The truth. Each change is one atomic statement with its condition inside, and appends the event it means. */
export interface Ledger {
  /** Prices the basket from the catalogue and stores the order, in one statement. */
  placeFromCatalogue(draft: OrderDraft, basket: readonly BasketLine[]): Promise<PlacedOrder>
  /** Stores an order the merchant priced. The same number or key with the same content is `repeated`, however late. */
  placePriced(draft: OrderDraft, priced: { readonly totalFee: Fen; readonly body: string }): Promise<PlacedOrder>
  find(order: OrderReference): Promise<Order | null>
  /** Newest first. */
  list(filter: OrderFilter): Promise<{ readonly orders: readonly Order[]; readonly next: string | null }>
  /**
   * NOTPAY or CLOSED to SUCCESS with its payment and its `order.paid` event, once: a second call has no effect.
   * Returns what the order is afterwards; `other_payment` when WeChat's number already paid another order, or this
   * order was paid by another number.
   */
  settle(
    order: Order,
    confirmation: Confirmation,
    source: NewsSource,
    at: Date,
  ): Promise<{ moved: boolean; order: PaidOrder } | 'other_payment'>
  /** NOTPAY to CLOSED with its event; on a closed order only notes WeChat's agreement. Returns what the order is afterwards. */
  close(order: Order, closedAtWechat: boolean, at: Date): Promise<Order>
  /** Kept once, with its `payment.incident` event, however often it is repeated. */
  recordIncident(incident: Incident): Promise<void>
  /** Orders WeChat may still have news of, longest not asked about first. Notes that they are being asked about. */
  takeUnfinished(limit: number, askedBefore: Date, at: Date): Promise<readonly Order[]>
  isReachable(): Promise<boolean>
}

export interface StoredEvent {
  readonly id: string
  readonly type: EventType
  readonly createdAt: Date
  readonly data: OrderView | Omit<Incident, 'at'>
  /** Deliveries tried before this one. */
  readonly attempts: number
}

export type EventType = 'order.paid' | 'order.closed' | 'payment.incident'

export interface Outbox {
  /** Takes due events, oldest first and an order's in order, out of everybody else's reach until `leaseUntil`. */
  takeDue(limit: number, at: Date, leaseUntil: Date): Promise<readonly StoredEvent[]>
  delivered(id: string, at: Date): Promise<void>
  /** Null: no further attempt, a person must look. */
  failed(id: string, nextAttemptAt: Date | null): Promise<void>
}

/** The merchant's own system. */
export interface Merchant {
  /** Signs and sends one event; false unless the answer is 2xx in time. */
  tell(event: StoredEvent): Promise<boolean>
}

/** What a `prepay_id` was made for and when. */
export interface Prepaid {
  readonly prepayId: string
  readonly key: string
  readonly madeAt: number
}

/** Released only by its holder, by token. */
export interface Lock {
  readonly name: string
  readonly token: string
}

/**
 * A cache and a lock, never the truth. Nothing here throws: out of reach is `down`, and the caller goes on without.
 */
export interface Cache {
  /** In one round trip: the kept `prepay_id`, else the right to place the order, else word that somebody else is at it. */
  findPrepay(outTradeNo: OutTradeNo): Promise<{ readonly kept: Prepaid } | { readonly lock: Lock } | 'busy' | 'down'>
  keepPrepay(outTradeNo: OutTradeNo, prepaid: Prepaid, lifeMs: number): Promise<void>
  /** Only while it is still this one. */
  forgetPrepay(outTradeNo: OutTradeNo, prepaid: Prepaid): Promise<void>
  lockNotice(outTradeNo: string): Promise<Lock | 'busy' | 'down'>
  release(lock: Lock): Promise<void>
  isReachable(): Promise<boolean>
}

/** Our own user tokens. */
export interface Tokens {
  issue(openid: Openid, at: Date): Promise<{ readonly token: string; readonly expiresInSeconds: number }>
  /** The user a token was issued to; null for anything forged, foreign or expired. */
  read(token: string, now: Date): Promise<Openid | null>
}

export interface Clock {
  now(): Date
  /** What is left of the time this request may take, in milliseconds; Infinity where nobody waits. */
  timeLeft(): number
  sleep(ms: number): Promise<void>
}

export interface Deps {
  readonly wechat: Wechat
  readonly users: Users
  readonly catalogue: Catalogue
  readonly ledger: Ledger
  readonly outbox: Outbox
  /** Null when no webhook is configured: events are kept, none is sent. */
  readonly merchant: Merchant | null
  readonly cache: Cache
  readonly tokens: Tokens
  readonly clock: Clock
  readonly merchantKey: string | null
  readonly cronSecret: string | null
  /** Where WeChat reaches the notify function. */
  readonly notifyUrl: string
  readonly randomBytes: (count: number) => Uint8Array
  /** Work the caller does not wait for; it is finished before the instance sleeps, and a failure is only logged. */
  readonly later: (work: () => Promise<unknown>) => void
  readonly log: (fields: LogFields) => void
}

import type { Account } from '../core/account.ts'
import type { Confirmation } from '../core/confirmation.ts'
import type { Day } from '../core/day.ts'
import type { Outcome } from '../core/result.ts'
import type { Fen } from '../core/money.ts'
import type { OrderTerms } from '../core/order.ts'
import type { Payment, Payout, Refund, RefundStatus } from '../core/refund.ts'
import type { BillRow } from './bills.ts'

/**
 * `number_taken`: WeChat has an order with this number and other content. `expires_too_soon`: too
 * little time is left until the order expires, so WeChat does not accept it.
 */
export type Placement =
  | { readonly outcome: 'placed'; readonly prepayId: string }
  | { readonly outcome: 'paid' | 'closed' }
  | { readonly outcome: 'expires_too_soon' }
  | { readonly outcome: 'number_taken'; readonly code: string; readonly text: string }

export type OrderAtWechat =
  /** `refunded`: paid, and then refunded in whole or in part. */
  | { readonly state: 'paid' | 'refunded'; readonly confirmation: Confirmation }
  /** `missing`: WeChat does not know the order. */
  | { readonly state: 'open' | 'closed' | 'missing' }

/**
 * `not_now`: WeChat does not close the order at the moment, for instance because it is younger than
 * five minutes.
 */
export type Closing = 'closed' | 'paid' | 'missing' | 'not_now'

/**
 * `later`: the same number may be sent again after a pause. `never`: WeChat will not make this
 * refund. `refused`: the code does not tell whether that is final, but the list of the order's
 * refunds at WeChat may.
 */
export interface RefundRefusal {
  readonly outcome: 'later' | 'refused' | 'never'
  readonly code: string
  readonly remedy: string
  readonly text: string
}

export type RefundAnswer =
  | { readonly outcome: 'accepted'; readonly refundId: string }
  | RefundRefusal

/**
 * One refund, from WeChat's verified answer. The number of a refund made in the merchant console
 * may be one that our own rules refuse.
 */
export interface KnownRefund {
  readonly outRefundNo: string
  readonly outTradeNo: string
  readonly refundId: string
  readonly refundFee: Fen
  readonly refundStatus: RefundStatus
}

export type RefundAtWechat =
  | (KnownRefund & { readonly state: 'known' })
  | { readonly state: 'missing' }

/** `refused`: the payout was not made. An earlier one may have been: query the refund. */
export type PayoutAnswer =
  | { readonly outcome: 'accepted'; readonly refund: KnownRefund }
  | (Omit<RefundRefusal, 'outcome'> & { readonly outcome: 'refused' })

/** The argument of `wx.requestPayment`, and `appId`, which the signature covers too. */
export interface PaymentArguments {
  readonly appId: string
  readonly timeStamp: string
  readonly nonceStr: string
  readonly package: string
  readonly signType: string
  readonly paySign: string
}

/** Returns the gateway for orders that were placed under this account. */
export type Gateways = (account: Account) => PayGateway

/**
 * WeChat Pay for one account. Every answer is verified before it becomes a value. `wechat_unknown`
 * means "perhaps", never "no".
 */
export interface PayGateway {
  /** Idempotent: WeChat answers identical terms with the same order. */
  placeOrder(order: OrderTerms, at: Date): Promise<Outcome<Placement>>
  queryOrder(order: OrderTerms): Promise<Outcome<OrderAtWechat>>
  /** For a payment number that no order here has. */
  findPayment(transactionId: string): Promise<Outcome<OrderAtWechat>>
  closeOrder(order: OrderTerms): Promise<Outcome<Closing>>
  /**
   * Identifies everything a `prepay_id` depends on. One that was made under another key is not
   * reused.
   */
  prepayKey(order: OrderTerms): Promise<string>
  signPayment(prepayId: string, at: Date): Promise<PaymentArguments>
  /** `not_configured` if something is missing that WeChat demands for refunds only. */
  checkRefundSettings(): Promise<Outcome<null>>
  /** Idempotent: WeChat makes one refund for one number, however often it is sent. */
  sendRefund(refund: Refund): Promise<Outcome<RefundAnswer>>
  /** `payout_in_console_only` if this protocol has no call for payouts. */
  checkPayoutSettings(): Promise<Outcome<null>>
  /**
   * Pays a refund in CHANGE to another account. Safe to repeat: WeChat refuses it for a refund that
   * is in another state.
   */
  payOutRefund(refund: Refund, payout: Payout): Promise<Outcome<PayoutAnswer>>
  queryRefund(refund: Pick<Refund, 'outRefundNo' | 'payment'>): Promise<Outcome<RefundAtWechat>>
  /**
   * All refunds of this payment at WeChat, including those made in the merchant console. The list
   * is complete. APIv3 has no such call: see `RefundLists` in `lib/wechat/v3/refunds.ts`.
   */
  listRefunds(payment: Payment): Promise<Outcome<readonly KnownRefund[]>>
  /**
   * Asks WeChat about an order or a refund that does not exist. A success means that queries of
   * this kind work.
   */
  probe(kind: 'order' | 'refund'): Promise<Outcome<unknown>>
  /**
   * The bill of a day, rows of this app only, in batches. There is no batch for a day without
   * trade. A failure is the last item; a bill without a failure is complete. A caller must not rely
   * on any row before the end.
   */
  readBill(day: Day, withinMs: number): AsyncIterable<Outcome<readonly BillRow[]>>
  isReachable(): Promise<boolean>
}

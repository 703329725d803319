import type { User } from '../core/caller.ts'
import type { Confirmation } from '../core/confirmation.ts'
import type { Day } from '../core/day.ts'
import type { Failure } from '../core/failure.ts'
import type { OutRefundNo, OutTradeNo } from '../core/ids.ts'
import type { Fen } from '../core/money.ts'
import type { OrderTerms, PaidOrder } from '../core/order.ts'
import type { Refund, RefundStatus } from '../core/refund.ts'
import type { Result } from '../core/result.ts'
import type { Shipment } from '../core/shipment.ts'
import type { BillRow } from './bills.ts'

/** What a login brings from the phone. The optional fields are proofs about the user, all checked or none believed. */
export interface LoginRequest {
  readonly code: string
  readonly rawData?: string | undefined
  readonly signature?: string | undefined
  readonly encryptedData?: string | undefined
  readonly iv?: string | undefined
}

export interface Identity extends User {
  readonly unionid: string | null
}

/** `number_taken`: WeChat holds this order number with other content, which is not for us to repeat. */
export type Placement =
  | { readonly outcome: 'placed'; readonly prepayId: string }
  | { readonly outcome: 'paid' | 'closed' }
  | { readonly outcome: 'number_taken'; readonly code: string; readonly text: string }

export type OrderAtWechat =
  /** `refunded`: paid, and then refunded in whole or in part. */
  | { readonly state: 'paid' | 'refunded'; readonly confirmation: Confirmation }
  /** `missing`: WeChat never heard of the order. */
  | { readonly state: 'open' | 'closed' | 'missing' }

/** `not_now`: WeChat does not close it at this moment, for instance because it is younger than five minutes. */
export type Closing = 'closed' | 'paid' | 'missing' | 'not_now'

/** A refund notification carries no signature: it is good for knowing what to ask WeChat about, and for nothing else. */
export type Notification =
  | {
      readonly kind: 'paid'
      readonly confirmation: Confirmation
      readonly attach: string | null
      /** The first field that is missing or that WeChat does not document; null for a message as documented. */
      readonly undocumented: string | null
      /** The text of `attach` could hide signed fields of a message of another kind. */
      readonly mayAttachHideFields: boolean
    }
  | { readonly kind: 'not_paid' }
  | {
      readonly kind: 'refund'
      readonly outTradeNo: string
      readonly outRefundNo: string
      readonly refundStatus: RefundStatus
    }

/**
 * `later`: the same number may be sent again after a pause. `never`: WeChat will not make this refund. `refused`: the code
 * does not say whether that is final; the list of the order's refunds at WeChat may.
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

/** One refund, from WeChat's signed answer. The number of a refund made in the merchant console may be one that we would refuse. */
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

/** What identifies a payment at WeChat: its two numbers and its amount. */
export type Payment = Pick<PaidOrder, 'outTradeNo' | 'transactionId' | 'totalFee'>

/** The argument of `wx.requestPayment`, and `appId` beside it, which is signed too. */
export interface PaymentArguments {
  readonly appId: string
  readonly timeStamp: string
  readonly nonceStr: string
  readonly package: string
  readonly signType: string
  readonly paySign: string
}

export type OrderReference =
  | { readonly outTradeNo: OutTradeNo }
  | { readonly transactionId: string }

/** A key to the Mini Program API, good for `lifeMs`. */
export interface AccessToken {
  readonly token: string
  readonly lifeMs: number
}

export type UploadAnswer =
  | { readonly outcome: 'uploaded' }
  | {
      /** `already`: WeChat has a report of this order and accepts no other. */
      readonly outcome: 'already' | 'token_refused' | 'later' | 'never'
      readonly code: string
      /** What a person should do. */
      readonly remedy: string
      /** WeChat's own text, cleaned; may be empty. */
      readonly text: string
    }

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
  readNotification(bytes: Uint8Array): Result<Notification, Failure>
  /** Whether there is the client certificate that WeChat demands for refunds; `not_configured` without it. */
  checkRefundSettings(): Result<null, Failure>
  /** Idempotent: WeChat makes one refund of one number, however often it is sent. */
  sendRefund(refund: Refund, order: PaidOrder): Promise<Result<RefundAnswer, Failure>>
  askRefund(outRefundNo: OutRefundNo): Promise<Result<RefundAtWechat, Failure>>
  /** All refunds of this order at WeChat, including those made in the merchant console. Never a part of them. */
  listRefunds(order: Payment): Promise<Result<readonly KnownRefund[], Failure>>
  fetchAccessToken(): Promise<Result<AccessToken, Failure>>
  /** Tells WeChat that the goods are on their way. Telling it again is harmless. */
  uploadShipping(
    token: string,
    shipment: Shipment,
    order: PaidOrder,
    at: Date,
  ): Promise<Result<UploadAnswer, Failure>>
  /**
   * The bill of a day, this Mini Program's rows only, a batch at a time and none held: nothing at all on a day without
   * trade. A failure is the last thing it yields; a bill without one was whole. Until then nothing of it is certain.
   */
  readBill(day: Day, withinMs: number): AsyncIterable<Result<readonly BillRow[], Failure>>
  isReachable(): Promise<boolean>
}

/** The notifications of WeChat in the words of both protocols. */

export interface Message {
  readonly body: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** The value of a field. A forger may write any, and null leaves the field out. */
export type Value = string | number | null

/** The content of a payment notification. */
export interface PaymentFacts {
  readonly appid: Value
  readonly mchId: Value
  readonly outTradeNo: Value
  readonly transactionId: Value
  /** The openid. */
  readonly payer: Value
  /** In fen. */
  readonly totalFee: Value
  /** The part that the payer pays, without discounts. */
  readonly cashFee: Value
  readonly feeType: Value
  readonly bankType: Value
  readonly attach: Value
  /** A text is written unchanged. */
  readonly paidAt: Date | string
  /** Whether the notification reports a success. */
  readonly isPaid: boolean
}

/** The content of a refund notification. */
export interface RefundFacts {
  /** Ignored in APIv3, whose refund notification has none. */
  readonly appid: Value
  readonly mchId: Value
  readonly outTradeNo: Value
  readonly transactionId: Value
  readonly outRefundNo: Value
  readonly refundId: Value
  /** In fen. */
  readonly refundFee: Value
  /** The total of the order, in fen. */
  readonly totalFee: Value
  /** The name of v2. Another status is written unchanged. */
  readonly refundStatus: string
  readonly refundedAt: Date
}

/** The signer of a message. A refund of v2 has no signature; its content is encrypted instead. */
export type Signer = 'WeChat' | 'a forger' | 'unsigned'

export interface Acknowledgement {
  readonly status: number
  readonly code: string
}

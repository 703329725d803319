import type { Fen } from './money.ts'

declare const confirmed: unique symbol

/**
 * A payment that WeChat has signed. Signature, appid and merchant number are verified. Amount,
 * currency and payer must still be compared with the order.
 *
 * Only the adapters in `lib/wechat/` call `confirm`, after they have verified a notification or a
 * query answer.
 */
export interface Confirmation extends ConfirmationFields {
  readonly [confirmed]: true
}

interface ConfirmationFields {
  readonly outTradeNo: string
  readonly transactionId: string
  /** The order's amount, fen. Never `cash_fee`, which coupons reduce. */
  readonly totalFee: Fen
  /** `CNY` if WeChat omits it. */
  readonly feeType: string
  /** The payer's own money, fen. Zero if coupons paid the whole amount. */
  readonly cashFee: number | null
  readonly bankType: string | null
  /** The payer, under our appid. */
  readonly openid: string
  readonly paidAt: Date
}

export const confirm = (fields: ConfirmationFields): Confirmation => fields as Confirmation

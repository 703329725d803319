import type { Fen } from './money.ts'

declare const confirmed: unique symbol

/**
 * A payment WeChat has signed for. Whoever holds one need not check the signature, `appid` or `mch_id` again; amount
 * and currency are still to be compared with the order.
 *
 * Only the adapter in `wechat/` calls `confirm`, after it verified a notification or a query answer.
 */
export interface Confirmation extends ConfirmationFields {
  readonly [confirmed]: true
}

interface ConfirmationFields {
  readonly outTradeNo: string
  readonly transactionId: string
  /** What the order cost, fen. Never `cash_fee`, which coupons make smaller. */
  readonly totalFee: Fen
  /** `CNY` when WeChat left it out. */
  readonly feeType: string
  /** What the payer's own money covered, fen; zero when coupons paid for all. */
  readonly cashFee: number | null
  readonly bankType: string | null
  /** The payer, under our appid. */
  readonly openid: string
  readonly paidAt: Date
}

export const confirm = (fields: ConfirmationFields): Confirmation => fields as Confirmation

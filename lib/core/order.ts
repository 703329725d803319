import type { Account } from './account.ts'
import type { Fen } from './money.ts'
import type { Openid, OutTradeNo } from './ids.ts'
import type { Settlement } from './settlement.ts'
import type { ShippingState } from './shipment.ts'
import { toRfc3339 } from './time.ts'

export const TRADE_STATES = ['NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED'] as const
export type TradeState = (typeof TRADE_STATES)[number]

export interface OrderItem {
  readonly sku: string
  readonly name: string
  readonly price: Fen
  readonly quantity: number
}

/**
 * The terms of an order that WeChat receives. They are fixed and stored when the order is placed,
 * because a repeated message must be identical, on any day and from any deployment.
 */
export interface OrderTerms {
  readonly outTradeNo: OutTradeNo
  readonly account: Account
  readonly openid: Openid
  readonly totalFee: Fen
  readonly body: string
  readonly attach: string | null
  readonly items: readonly OrderItem[] | null
  /** The payer's public address, or a neutral one if it is unknown. */
  readonly clientIp: string
  readonly notifyUrl: string
  /** Whole seconds, because messages to WeChat may carry no fractions. */
  readonly createdAt: Date
  readonly timeExpire: Date
}

export type Order = OrderTerms &
  (
    | { readonly tradeState: 'NOTPAY' }
    /** `closedAtWechat` is false while WeChat may still accept a payment for it. */
    | { readonly tradeState: 'CLOSED'; readonly closedAtWechat: boolean }
    | {
        readonly tradeState: 'SUCCESS' | 'REFUND'
        readonly transactionId: string
        readonly paidAt: Date
        readonly refundedFee: number
        /** Null if no shipment was requested. */
        readonly shippingState: ShippingState | null
        readonly settlement: Settlement
      }
  )

export type PaidOrder = Extract<Order, { tradeState: 'SUCCESS' | 'REFUND' }>

export const isPaid = (order: Order): order is PaidOrder =>
  order.tradeState === 'SUCCESS' || order.tradeState === 'REFUND'

/** Two hours, the lifetime of a `prepay_id`. The merchant may set another time. */
export const DEFAULT_LIFE_MS = 2 * 3_600_000

/** An order as its payer sees it. */
export interface OrderView {
  readonly outTradeNo: string
  readonly tradeState: TradeState
  readonly totalFee: number
  readonly body: string
  readonly items?: readonly OrderItem[]
  readonly attach?: string
  readonly createdAt: string
  readonly timeExpire: string
  readonly transactionId?: string
  readonly paidAt?: string
  readonly refundedFee?: number
  /** Whether WeChat's order and shipping management has it. */
  readonly shippingState?: ShippingState
  /** When WeChat first reported to this project that the payer has the goods. */
  readonly confirmedAt?: string
  /** When WeChat first reported to this project that it has released the money. */
  readonly settledAt?: string
}

/** The order as the merchant and its webhook see it: with the payer. */
export type MerchantOrderView = OrderView & { readonly openid: string }

export const toMerchantOrderView = (order: Order): MerchantOrderView => ({
  ...toOrderView(order),
  openid: order.openid,
})

export function toOrderView(order: Order): OrderView {
  return {
    outTradeNo: order.outTradeNo,
    tradeState: order.tradeState,
    totalFee: order.totalFee,
    body: order.body,
    ...(order.items === null ? {} : { items: order.items }),
    ...(order.attach === null ? {} : { attach: order.attach }),
    createdAt: toRfc3339(order.createdAt),
    timeExpire: toRfc3339(order.timeExpire),
    ...(isPaid(order)
      ? { transactionId: order.transactionId, paidAt: toRfc3339(order.paidAt) }
      : {}),
    ...(isPaid(order) && order.refundedFee > 0 ? { refundedFee: order.refundedFee } : {}),
    ...(isPaid(order) && order.shippingState !== null
      ? { shippingState: order.shippingState }
      : {}),
    ...(isPaid(order) ? toSettlementView(order.settlement) : {}),
  }
}

const toSettlementView = ({ confirmedAt, settledAt }: Settlement) => ({
  ...(confirmedAt === null ? {} : { confirmedAt: toRfc3339(confirmedAt) }),
  ...(settledAt === null ? {} : { settledAt: toRfc3339(settledAt) }),
})

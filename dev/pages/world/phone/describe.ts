/** Chooses the texts of the shop for orders, refunds and problems, by their keys. */
import type { Order, Problem } from '../../../../miniprogram/pay.ts'
import type { problemTexts, receiptTexts } from './texts.ts'

/** Null if there is nothing to receive. */
export function receiptOf(order: Order): keyof typeof receiptTexts | null {
  if (order.confirmedAt !== undefined) return 'received'
  if (order.shippingState === 'UPLOADED') return 'shipped'
  return order.tradeState === 'SUCCESS' ? 'toShip' : null
}

const problemKeys: Readonly<Record<string, keyof typeof problemTexts>> = {
  network: 'network',
  unavailable: 'busy',
  wechat_busy: 'busy',
  wechat_unknown: 'busy',
  too_many_requests: 'tooMany',
  too_many_open_orders: 'tooManyOrders',
  cashier_failed: 'cashier',
  not_shipped: 'notShipped',
  invalid_request: 'gone',
}

export function problemOf({ code, detail, requestId }: Problem): {
  readonly key: keyof typeof problemTexts
  readonly values: Readonly<Record<string, string>>
} {
  return {
    key: problemKeys[code] ?? 'other',
    values: {
      code,
      detail: detail.replace('requestPayment:fail', '').trim(),
      requestId: requestId ?? '',
    },
  }
}

/** `2026-11-20T12:00:00+08:00` as `2026-11-20 12:00`. */
export const showTime = (time: string): string => time.slice(0, 16).replace('T', ' ')

/** The states of an order and of a refund, as a payer reads them. */
import type { Order, Refund } from './pay'

const tradeStates: Readonly<Record<Order['tradeState'], string>> = {
  NOTPAY: '待支付',
  SUCCESS: '已支付',
  REFUND: '已退款',
  CLOSED: '已关闭',
}

const refundStatuses: Readonly<Record<Refund['refundStatus'], string>> = {
  PROCESSING: '退款中',
  SUCCESS: '已退回',
  REFUNDCLOSE: '未能退款，请联系商家',
  CHANGE: '退款异常，请联系商家',
}

export const describeOrder = ({ tradeState }: Order): string => tradeStates[tradeState]

export const describeRefund = ({ refundStatus }: Refund): string => refundStatuses[refundStatus]

/** Empty if there is nothing to receive. */
export function describeReceipt({ tradeState, shippingState, confirmedAt }: Order): string {
  if (confirmedAt !== undefined) return `已收货 ${showTime(confirmedAt)}`
  if (shippingState === 'UPLOADED') return '已发货'
  return tradeState === 'SUCCESS' ? '待发货' : ''
}

/** `2026-11-20T12:00:00+08:00` as `2026-11-20 12:00`. */
export const showTime = (time: string): string => time.slice(0, 16).replace('T', ' ')

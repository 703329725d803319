/** A refund as APIv3 describes it. */
import { toRfc3339 } from '../beijing.ts'
import { RECEIVING_ACCOUNT, refundStatusOf } from '../refund.ts'
import type { StoredOrder, StoredRefund } from '../state.ts'

/** The other account is the default. */
export const RECHARGED = 'REFUND_SOURCE_RECHARGE_FUNDS'

const statuses = {
  PROCESSING: 'PROCESSING',
  SUCCESS: 'SUCCESS',
  CHANGE: 'ABNORMAL',
  REFUNDCLOSE: 'CLOSED',
} as const

type V3RefundStatus = (typeof statuses)[keyof typeof statuses]

export const v3StatusOf = (refund: StoredRefund, now: number): V3RefundStatus =>
  statuses[refundStatusOf(refund, now)]

export const receivingAccountOf = ({ recovered }: StoredRefund): string =>
  recovered ? '招商银行借记卡0403' : RECEIVING_ACCOUNT

export function describeRefund(order: StoredOrder, refund: StoredRefund, now: number): object {
  const status = v3StatusOf(refund, now)
  return {
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    transaction_id: order.payment?.transactionId ?? '',
    out_trade_no: order.outTradeNo,
    channel: refund.recovered ? 'OTHER_BANKCARD' : 'ORIGINAL',
    user_received_account: receivingAccountOf(refund),
    ...(status === 'SUCCESS' ? { success_time: toRfc3339(refund.endsAt) } : {}),
    create_time: toRfc3339(refund.createdAt),
    status,
    funds_account: refund.refundAccount === RECHARGED ? 'AVAILABLE' : 'UNSETTLED',
    amount: {
      total: order.totalFee,
      refund: refund.refundFee,
      payer_total: order.totalFee,
      payer_refund: refund.refundFee,
      settlement_refund: refund.refundFee,
      settlement_total: order.totalFee,
      discount_refund: 0,
      currency: 'CNY',
    },
  }
}

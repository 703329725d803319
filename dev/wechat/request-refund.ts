import { err, ok } from './result.ts'
import type { Operation } from './envelope.ts'
import {
  atMost,
  findBadField,
  isAmount,
  isNotifyUrl,
  isRefundNumber,
  oneOf,
  type Rules,
} from './field-rules.ts'
import { findNamedOrder } from './find-order.ts'
import { findRefund } from './refund.ts'
import { refusal } from './refusal.ts'
import { DEFAULT_REFUND_ACCOUNT } from './refund.ts'
import { startRefund } from './start-refund.ts'
import type { StoredOrder, StoredRefund } from './state.ts'

const required: Rules = {
  out_refund_no: isRefundNumber,
  total_fee: isAmount,
  refund_fee: isAmount,
}

const optional: Rules = {
  refund_fee_type: oneOf('CNY'),
  refund_desc: atMost(80),
  refund_account: oneOf(DEFAULT_REFUND_ACCOUNT, 'REFUND_SOURCE_RECHARGE_FUNDS'),
  notify_url: isNotifyUrl,
}

const DIFFERS = refusal('INVALID_REQUEST', '订单金额或退款金额与之前请求不一致，请核实后再试')

/**
 * Accepts a refund. The same number with the same amount and order returns the existing refund in
 * any state.
 */
export const requestRefund: Operation = (simulation, request, _signType, fault) => {
  const bad = findBadField(request, required, optional)
  if (bad !== null) return err(bad)
  const found = findNamedOrder(simulation.state, request)
  if (!found.ok) return found
  const order = found.value
  const outRefundNo = request.get('out_refund_no') ?? ''
  const refundFee = Number(request.get('refund_fee'))
  if (request.get('total_fee') !== String(order.totalFee)) return err(DIFFERS)
  const known = findRefund(simulation.state, (refund) => refund.outRefundNo === outRefundNo)
  if (known !== undefined) {
    return known.order === order && known.refund.refundFee === refundFee
      ? ok(answer(order, known.refund))
      : err(DIFFERS)
  }
  const started = startRefund(simulation, order, {
    outRefundNo,
    refundFee,
    refundAccount: request.get('refund_account') ?? DEFAULT_REFUND_ACCOUNT,
    requestSource: 'API',
    api: 'v2',
    notifyUrl: request.get('notify_url') ?? order.notifyUrl,
    endsAs: fault?.do === 'end-as' ? fault.status : 'SUCCESS',
  })
  return started.ok ? ok(answer(order, started.value)) : started
}

const answer = (
  order: StoredOrder,
  { outRefundNo, refundId, refundFee }: StoredRefund,
): readonly (readonly [string, string])[] => [
  ['transaction_id', order.payment?.transactionId ?? ''],
  ['out_trade_no', order.outTradeNo],
  ['out_refund_no', outRefundNo],
  ['refund_id', refundId],
  ['refund_channel', ''],
  ['refund_fee', String(refundFee)],
  ['total_fee', String(order.totalFee)],
  ['cash_fee', String(order.totalFee)],
  ['cash_refund_fee', String(refundFee)],
  ['coupon_refund_fee', '0'],
  ['coupon_refund_count', '0'],
]

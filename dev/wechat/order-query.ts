import { err, ok, type Result } from './result.ts'
import { toBeijingDigits } from './beijing.ts'
import type { Fields } from './signature.ts'
import type { Operation } from './envelope.ts'
import { findNamedOrder } from './find-order.ts'
import { tradeStateOf } from './order.ts'
import { refusal, type Refusal } from './refusal.ts'
import type { State, StoredOrder } from './state.ts'

const descriptions = {
  NOTPAY: '订单未支付',
  SUCCESS: '支付成功',
  REFUND: '订单发生过退款，退款详情请查询退款单',
  CLOSED: '订单已关闭',
} as const

/**
 * Returns the state of an order. Only a paid order has more than number, `attach`, device, amount
 * and state.
 */
export const orderQuery: Operation = (simulation, request) => {
  const found = find(simulation.state, request)
  if (!found.ok) return found
  const order = found.value
  const tradeState = tradeStateOf(order, simulation.now())
  return ok([
    ...(tradeState === 'CLOSED' ? [] : paymentFields(order)),
    ['out_trade_no', order.outTradeNo],
    ['attach', order.request['attach'] ?? ''],
    ['trade_state', tradeState],
    ['trade_state_desc', descriptions[tradeState]],
  ])
}

/**
 * The fields of a payment that query and notification share. An unpaid order has only device and
 * amount.
 */
export function paymentFields(order: StoredOrder): readonly (readonly [string, string])[] {
  const always = [
    ['device_info', order.request['device_info'] ?? ''],
    ['total_fee', String(order.totalFee)],
  ] as const
  if (order.payment === null) return always
  return [
    ...always,
    ['openid', order.openid],
    ['is_subscribe', 'N'],
    ['trade_type', 'JSAPI'],
    ['bank_type', order.payment.bankType],
    ['fee_type', 'CNY'],
    ['cash_fee', String(order.totalFee)],
    ['cash_fee_type', 'CNY'],
    ['transaction_id', order.payment.transactionId],
    ['time_end', toBeijingDigits(order.payment.paidAt)],
  ]
}

function find(state: State, request: Fields): Result<StoredOrder, Refusal> {
  if (request.has('transaction_id') && request.has('out_trade_no')) {
    return err(refusal('PARAM_ERROR', 'transaction_id与out_trade_no二选一'))
  }
  return findNamedOrder(state, request)
}

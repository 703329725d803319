/** An order as APIv3 describes it, in a query and in a notification. */
import { toRfc3339 } from '../beijing.ts'
import { tradeStateOf } from '../order.ts'
import type { Account } from '../simulation.ts'
import type { StoredOrder } from '../state.ts'

const descriptions = {
  NOTPAY: '订单未支付',
  SUCCESS: '支付成功',
  REFUND: '订单发生过退款，退款详情请查询退款单',
  CLOSED: '订单已关闭',
} as const

/** Only a paid order has `attach`, the payment and the payer. */
export function describeTransaction(
  order: StoredOrder,
  { appid, mchId }: Account,
  now: number,
): object {
  const state = tradeStateOf(order, now)
  const { payment, outTradeNo, totalFee, request } = order
  const common = { appid, mchid: mchId, out_trade_no: outTradeNo }
  const stateFields = { trade_state: state, trade_state_desc: descriptions[state] }
  if (payment === null)
    return {
      ...common,
      ...stateFields,
      amount: { total: totalFee, currency: 'CNY', payer_currency: 'CNY' },
    }
  const device = request['device_info'] ?? ''
  return {
    ...common,
    transaction_id: payment.transactionId,
    trade_type: 'JSAPI',
    ...stateFields,
    bank_type: payment.bankType,
    attach: request['attach'] ?? '',
    success_time: toRfc3339(payment.paidAt),
    payer: { openid: order.openid },
    amount: { total: totalFee, payer_total: totalFee, currency: 'CNY', payer_currency: 'CNY' },
    ...(device === '' ? {} : { scene_info: { device_id: device } }),
  }
}

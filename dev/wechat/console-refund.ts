import { randomInt } from 'node:crypto'
import { err, type Result } from './result.ts'
import { toBeijingDigits } from './beijing.ts'
import { isAmount } from './field-rules.ts'
import { findOrder } from './order.ts'
import { refusal, type Refusal } from './refusal.ts'
import { DEFAULT_REFUND_ACCOUNT } from './refund.ts'
import type { Simulation } from './simulation.ts'
import { startRefund } from './start-refund.ts'
import type { StoredRefund } from './state.ts'

/**
 * A refund in the merchant console. WeChat assigns its number. WeChat notifies such a refund only
 * if the console has a notify URL for refunds, which here is the notify URL of the order.
 */
export function refundInConsole(
  simulation: Simulation,
  outTradeNo: string,
  refundFee: number,
  reported: 'reported' | 'unreported',
  endsAs: StoredRefund['endsAs'] = 'SUCCESS',
): Result<StoredRefund, Refusal> {
  const order = findOrder(simulation.state, outTradeNo)
  if (order === undefined) return err(refusal('ORDERNOTEXIST'))
  if (!isAmount(String(refundFee))) return err(refusal('PARAM_ERROR', '退款金额格式错误'))
  return startRefund(simulation, order, {
    outRefundNo: `${toBeijingDigits(simulation.now())}${String(randomInt(10 ** 14)).padStart(14, '0')}`,
    refundFee,
    refundAccount: DEFAULT_REFUND_ACCOUNT,
    requestSource: 'VENDOR_PLATFORM',
    api: order.signType === 'RSA' ? 'v3' : 'v2',
    notifyUrl: reported === 'reported' ? order.notifyUrl : '',
    endsAs,
  })
}

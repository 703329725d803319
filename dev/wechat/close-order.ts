import { err, ok } from './result.ts'
import type { Operation } from './envelope.ts'
import { CLOSABLE_AFTER_MS, findOrder, tradeStateOf } from './order.ts'
import { lacks, refusal } from './refusal.ts'

/**
 * Closes an unpaid order. WeChat says that an order younger than five minutes cannot be closed, but
 * does not publish the code it answers.
 */
export const closeOrder: Operation = (simulation, request) => {
  const outTradeNo = request.get('out_trade_no')
  if (outTradeNo === undefined) return err(lacks('out_trade_no'))
  const order = findOrder(simulation.state, outTradeNo)
  if (order === undefined) return err(refusal('ORDERNOTEXIST'))
  if (order.payment !== null) return err(refusal('ORDERPAID'))
  const now = simulation.now()
  if (tradeStateOf(order, now) === 'CLOSED') return err(refusal('ORDERCLOSED'))
  if (now - order.createdAt < CLOSABLE_AFTER_MS)
    return err(refusal('TRADE_STATE_ERROR', '订单生成不足5分钟，不能关闭'))
  order.closedAt = now
  return ok([['result_msg', 'OK']])
}

import { maySee, type Caller } from '../core/caller.ts'
import { parseOutTradeNo } from '../core/ids.ts'
import type { Order } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps, OrderReference } from '../ports.ts'
import { refreshOrder, settleAnswer, type OrderDeps } from './refresh-order.ts'
import { recordContradiction } from './settle.ts'

type QueryDeps = OrderDeps & Pick<Deps, 'account' | 'setLogOrder'>

/**
 * Returns one order. An order that can still change is asked about at WeChat first, and WeChat's
 * answer is settled by the same path as a notification.
 */
export async function query(
  deps: QueryDeps,
  caller: Caller,
  reference: OrderReference,
): Promise<Outcome<Order>> {
  const order = await deps.ledger.find(reference)
  if (order === null)
    return 'transactionId' in reference
      ? findByPayment(deps, caller, reference.transactionId)
      : err({ reason: 'order_not_found' })
  deps.setLogOrder(order.outTradeNo)
  if (!maySee(caller, order)) return err({ reason: 'order_not_found' })
  return isFinal(order) ? ok(order) : refreshOrder(deps, order, 'query')
}

/**
 * A closed order is final only when WeChat has closed it too: until then a payment may still
 * arrive.
 */
const isFinal = (order: Order): boolean =>
  order.tradeState !== 'NOTPAY' && (order.tradeState !== 'CLOSED' || order.closedAtWechat)

/**
 * Asks WeChat which order was paid by a payment number that the ledger does not know. If the
 * merchant asks and the order is not here, the payment is stored as an incident: an order that a
 * restore lost can then be placed again.
 */
async function findByPayment(
  deps: QueryDeps,
  caller: Caller,
  transactionId: string,
): Promise<Outcome<Order>> {
  const asked = await deps.gateway(deps.account).findPayment(transactionId)
  if (!asked.ok) return asked
  if (!('confirmation' in asked.value)) return err({ reason: 'order_not_found' })
  const { confirmation } = asked.value
  const outTradeNo = parseOutTradeNo(confirmation.outTradeNo)
  const order = outTradeNo.ok ? await deps.ledger.find({ outTradeNo: outTradeNo.value }) : null
  if (order === null && caller.kind === 'merchant')
    await recordContradiction(deps, null, confirmation, 'query', 'order')
  if (order === null || !maySee(caller, order)) return err({ reason: 'order_not_found' })
  deps.setLogOrder(order.outTradeNo)
  return settleAnswer(deps, order, asked.value, 'query')
}

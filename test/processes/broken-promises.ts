/** Compares the ledger, WeChat's book, the answers of payers and the merchant's events. */
import type { Simulator } from '../../dev/wechat/simulator.ts'
import type { Sale } from './payers.ts'

/** Values are text, as Neon passes them on. */
export type Query = (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>

/** Work that cron still has to do. */
export async function countUnfinished(query: Query): Promise<number> {
  const [row] = await query(`
    select (select count(*) from events where delivered_at is null)
      + (select count(*) from refunds where refund_status = 'PROCESSING')
      + (select count(*) from orders where trade_state = 'NOTPAY') as left`)
  return Number(row?.['left'])
}

/** Makes everything due that waits for a later attempt. */
export async function makeDue(query: Query): Promise<void> {
  await query(`update events set next_attempt_at = now() - interval '1 second', taken_at = null
    where delivered_at is null`)
  await query(`update refunds set next_attempt_at = now() - interval '1 second'
    where refund_status = 'PROCESSING'`)
  await query(`update orders set asked_at = now() - interval '1 day'
    where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)`)
}

/** Returns a description of each broken promise. Called once no work is left. */
export async function findBrokenPromises(
  wechat: Simulator,
  query: Query,
  sales: readonly Sale[],
  received: ReadonlySet<string>,
): Promise<readonly string[]> {
  const problems: string[] = []
  const orders = await query(`
    select out_trade_no as no, trade_state as state, transaction_id as payment, refunded_fee as refunded,
      (select count(*)::integer from payments p where p.out_trade_no = o.out_trade_no) as payments,
      (select count(*)::integer from events e where e.out_trade_no = o.out_trade_no and e.type = 'order.paid') as told,
      (select count(*)::integer from orders other where other.request_key = o.request_key) as sharing
    from orders o`)
  const here = new Map(orders.map((order) => [String(order['no']), order]))
  for (const { outTradeNo, payment } of wechat.orders()) {
    const order = here.get(outTradeNo)
    const isPaid = order?.['state'] === 'SUCCESS' || order?.['state'] === 'REFUND'
    const report = (text: string) => void problems.push(`${text} (${outTradeNo})`)
    if (order === undefined) report('WeChat has an order that the ledger lacks')
    else if ((payment !== null) !== isPaid) report('paid on one side only')
    else if (isPaid && payment?.transactionId !== order['payment']) report('another payment')
    else if (order['payments'] !== (isPaid ? '1' : '0'))
      report(`${String(order['payments'])} payments`)
    else if (order['told'] !== (isPaid ? '1' : '0')) report(`told ${String(order['told'])} times`)
    if (order !== undefined && order['sharing'] !== '1') report('one key, several orders')
  }
  for (const { outTradeNo, isPaid, refundedFee } of sales) {
    const order = here.get(outTradeNo)
    const refunds = wechat.refunds().filter((refund) => refund.outTradeNo === outTradeNo)
    const refunded = refunds.reduce((sum, { refundFee }) => sum + refundFee, 0)
    if (order === undefined) problems.push(`an order was lost (${outTradeNo})`)
    else if (isPaid && order['payment'] === null)
      problems.push(`a payment was lost (${outTradeNo})`)
    else if (Number(order['refunded']) !== refundedFee || refunded !== refundedFee)
      problems.push(`${refunded} refunded of ${refundedFee} (${outTradeNo})`)
  }
  for (const { id } of await query('select id from events'))
    if (!received.has(String(id))) problems.push(`an event never arrived (${String(id)})`)
  return problems
}

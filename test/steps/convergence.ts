/**
 * Compares, at the end of a random history, what WeChat knows, what the ledger holds and which
 * events the merchant received.
 */
import type { Receiver } from '../webhook/receiver.ts'
import type { Shop } from '../support/shop.ts'

const HOUR_MS = 3_600_000
/** WeChat repeats a notification for one day, and an event is delivered for three. */
const LONGEST_QUIET_HOURS = 120

/** Runs WeChat's notifications and cron, three hours apart, until nothing is left to do. */
export async function runUntilIdle(shop: Shop, merchant: Receiver): Promise<void> {
  let left = ''
  for (let hours = 0; hours < LONGEST_QUIET_HOURS; hours += 3) {
    shop.advance(3 * HOUR_MS)
    await shop.deliverNotifications()
    await shop.cron()
    const [rows] = await shop.sql(`
      select (select count(*) from events where delivered_at is null)::integer as events,
        (select count(*) from orders where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat))::integer as orders`)
    const notifications = shop.wechat
      .notifications()
      .filter(({ nextDueAt }) => nextDueAt !== null).length
    left = JSON.stringify({ ...rows, notifications })
    if (left === '{"events":0,"orders":0,"notifications":0}') return
  }
  throw new Error(
    `not idle after ${LONGEST_QUIET_HOURS} hours: ${left} left, ${merchant.deliveries.length} deliveries`,
  )
}

/** Describes each contradiction of the contract's invariants; empty when all three agree. */
export async function findContradictions(shop: Shop, merchant: Receiver): Promise<string[]> {
  const problems: string[] = []
  const atWechat = new Map(shop.wechat.orders().map((order) => [order.outTradeNo, order]))
  const orders = await shop.sql(`
    select o.out_trade_no as no, o.trade_state as state, o.transaction_id as payment, o.total_fee as fee, o.refunded_fee as refunded,
      (select count(*)::integer from payments p where p.out_trade_no = o.out_trade_no
        and p.transaction_id = o.transaction_id and p.total_fee = o.total_fee) as payments,
      (select coalesce(string_agg(e.type, ' ' order by e.seq), '') from events e
        where e.out_trade_no = o.out_trade_no and e.type <> 'payment.incident') as events
    from orders o`)
  for (const { no, state, payment, fee, refunded, payments, events } of orders) {
    const known = atWechat.get(String(no))
    const paid = known?.payment ?? null
    const note = (text: string) => void problems.push(`${String(no)}: ${text}`)
    // Invariants 1 and 2: paid here exactly when paid at WeChat, by the same payment and amount.
    if ((state === 'SUCCESS') !== (paid !== null))
      note(`${String(state)} here, ${paid === null ? 'not paid' : 'paid'} at WeChat`)
    if (paid !== null && paid.transactionId !== payment)
      note('paid by another payment here than at WeChat')
    if (known !== undefined && known.totalFee !== fee) note('another amount at WeChat')
    // Invariant 3: one payment and one order.paid.
    if (payments !== (state === 'SUCCESS' ? 1 : 0)) note(`${String(payments)} payments`)
    // Invariants 3 and 5: closed at most once, and never after the payment.
    const allowed =
      state === 'SUCCESS'
        ? ['order.paid', 'order.closed order.paid']
        : state === 'CLOSED'
          ? ['order.closed']
          : ['']
    if (!allowed.includes(String(events))) note(`${String(state)} after ${String(events)}`)
    // Invariant 4.
    if (refunded !== 0) note('refunded')
  }
  problems.push(...(await deliveryProblems(shop, merchant)))
  return problems
}

/**
 * Invariant 6: the merchant received every event of the ledger under its own id, those of one order
 * in their order, and no others.
 */
async function deliveryProblems(shop: Shop, merchant: Receiver): Promise<string[]> {
  const problems: string[] = []
  const events = await shop.sql('select id, type, out_trade_no as no from events order by seq')
  const arrived = new Map(merchant.deliveries.map((delivery) => [delivery.id, delivery]))
  for (const { id, type, no } of events) {
    const delivery = arrived.get(String(id))
    if (delivery === undefined) problems.push(`${String(type)} of ${String(no)} never arrived`)
    else if (delivery.type !== type || delivery.outTradeNo !== no)
      problems.push(`${String(id)} arrived as something else`)
    arrived.delete(String(id))
  }
  for (const { type, outTradeNo } of arrived.values())
    problems.push(`${type} of ${outTradeNo} arrived and is not in the ledger`)
  for (const { type, outTradeNo, isSignatureValid } of merchant.deliveries)
    if (!isSignatureValid) problems.push(`${type} of ${outTradeNo} had no valid signature`)
  const order = [
    ...new Map(
      merchant.deliveries
        .toReversed()
        .map(({ id, type, outTradeNo }) => [id, `${outTradeNo} ${type}`]),
    ).values(),
  ].toReversed()
  for (const [index, first] of order.entries())
    if (
      first.endsWith('order.paid') &&
      order.slice(index).includes(first.replace('order.paid', 'order.closed'))
    )
      problems.push(`${first} arrived before its close`)
  return problems
}

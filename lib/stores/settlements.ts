import { toMerchantOrderView, isPaid, type PaidOrder } from '../core/order.ts'
import type { Settlements } from '../ports.ts'
import { INSERT_EVENT } from './events.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readOrder, readShipment } from './rows.ts'

/**
 * The order must be unchanged since it was read, because its event contains the whole order. `$5`:
 * whether WeChat is not asked about the order any more.
 */
const STORE = `
  with changed as (
    update orders o set shipped_at = $2::timestamptz, confirmed_at = $3::timestamptz, settled_at = $4::timestamptz,
      settlement_due_at = case when $5::boolean then null else coalesce(o.settlement_due_at, $6::timestamptz + interval '1 hour') end
    where out_trade_no = $1 and transaction_id is not null and refunded_fee = $7::integer
      and shipping_state is not distinct from $8
      and date_trunc('milliseconds', shipped_at) is not distinct from $9::timestamptz
      and date_trunc('milliseconds', confirmed_at) is not distinct from $10::timestamptz
      and date_trunc('milliseconds', settled_at) is not distinct from $11::timestamptz
    returning out_trade_no
  ), told as (
    ${INSERT_EVENT}
    select 'order.settled', out_trade_no, $12::json, $6::timestamptz, $6::timestamptz from changed
    where $4::timestamptz is not null and $11::timestamptz is null
  )
  select from changed`

/**
 * WeChat is not asked any more about an order that is not settled after this time, such as one in a
 * dispute.
 */
const ASKED_FOR = `interval '90 days'`

/** Unshipped orders, from 24 hours after the payment. WeChat warns the shop after 48 hours. */
const UNSHIPPED = `paid_at is not null and shipped_at is null and overdue_at is null and settlement_due_at is null
      and paid_at > $2::timestamptz - interval '15 days' and paid_at <= $2::timestamptz - interval '24 hours' and refunded_fee < total_fee`

const MUST_SHIP = `((select exists (select from trade_management where is_managed)) or (select exists (select from shipments)))`

const TAKE_DUE = `
  with due as (
    (select out_trade_no from orders where settlement_due_at <= $2::timestamptz order by settlement_due_at limit $1::integer)
    union all
    (select out_trade_no from orders where ${UNSHIPPED} and ${MUST_SHIP} order by paid_at limit $1::integer)
  ), taken as (
    select o.out_trade_no, coalesce(o.settlement_due_at, o.paid_at) as due_at, $2::timestamptz - coalesce(o.shipped_at, o.paid_at) as age
    from due join orders o using (out_trade_no)
    where o.settlement_due_at <= $2::timestamptz or o.settlement_due_at is null
    order by due_at, o.out_trade_no
    limit $1::integer
    for update of o skip locked
  ), noted as (
    update orders o set settlement_due_at =
      case when age < ${ASKED_FOR} then $2::timestamptz + least(greatest(age / 4, interval '1 hour'), interval '1 day') end
    from taken where o.out_trade_no = taken.out_trade_no
    returning o.*
  )
  select to_jsonb(noted) as "order" from noted join taken using (out_trade_no) order by due_at, out_trade_no`

const MARK_OVERDUE = `
  with changed as (
    update orders set overdue_at = $2::timestamptz
    where out_trade_no = $1 and transaction_id is not null and shipped_at is null and overdue_at is null and refunded_fee < total_fee
    returning out_trade_no
  ), told as (
    ${INSERT_EVENT}
    select 'shipping.overdue', out_trade_no, $3::json, $2::timestamptz, $2::timestamptz from changed
  )
  select from changed`

const LIST_FROZEN = `
  select to_jsonb(o) as "order", to_jsonb(s) as shipment from orders o left join shipments s using (out_trade_no)
  where o.shipped_at is null and (o.overdue_at is not null or o.shipping_state = 'FAILED') and o.refunded_fee < o.total_fee
    and ($1::text is null or o.id < (select id from orders where out_trade_no = $1))
  order by o.id desc limit $2::integer`

export function createSettlements(sql: Sql): Settlements {
  return {
    async store(order, next, at, isFinal) {
      const { shippedAt, confirmedAt, settledAt } = order.settlement
      const stored = await sql.query(STORE, [
        order.outTradeNo,
        next.shippedAt,
        next.confirmedAt,
        next.settledAt,
        isFinal,
        at,
        order.refundedFee,
        order.shippingState,
        shippedAt,
        confirmedAt,
        settledAt,
        toMerchantOrderView({ ...order, settlement: next }),
      ])
      return stored.length > 0
    },
    async takeDue(limit, at) {
      return (await sql.query(TAKE_DUE, [limit, at])).map((row) => toPaid(row['order']))
    },
    async markOverdue(order, at) {
      const event = toMerchantOrderView(order)
      return (await sql.query(MARK_OVERDUE, [order.outTradeNo, at, event])).length > 0
    },
    async listFrozen(before, limit) {
      const rows = await sql.query(LIST_FROZEN, [before, limit + 1], REPEATABLE)
      const found = rows.slice(0, limit).map((row) => ({
        order: toPaid(row['order']),
        shipment: row['shipment'] === null ? null : readShipment(row['shipment']),
      }))
      const next = rows.length > limit ? (found.at(-1)?.order.outTradeNo ?? null) : null
      return { found, next }
    },
  }
}

function toPaid(json: unknown): PaidOrder {
  const { order } = readOrder(json)
  if (!isPaid(order)) throw new Error('a query for paid orders returned one that is not paid')
  return order
}

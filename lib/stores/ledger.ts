/**
 * The ledger on PostgreSQL. Every change is one statement that contains its condition, so it
 * happens completely or not at all, and a repeated one has no effect. Rows are locked (`for
 * update`) before their state is checked. Under READ COMMITTED, the later of two transactions then
 * sees the result of the earlier one.
 */
import { fingerprint } from '../core/fingerprint.ts'
import { isPaid, toMerchantOrderView, type PaidOrder } from '../core/order.ts'
import { NOT_SHIPPED } from '../core/settlement.ts'
import type { Ledger, OrderReference } from '../ports.ts'
import { DatabaseError } from './database-failure.ts'
import { INSERT_EVENT } from './events.ts'
import { incidentFingerprint } from './incident-fingerprint.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { selectPage } from './order-pages.ts'
import { createPlacing } from './place-orders.ts'
import { readOrder } from './rows.ts'
import { TAKE_UNFINISHED } from './take-unfinished.ts'
import { findWriteObstacle } from './write-probe.ts'

export function createLedger(sql: Sql): Ledger {
  const find = async (order: OrderReference) => {
    const [number, value] =
      'outTradeNo' in order ? ['$1', order.outTradeNo] : [NUMBER_OF_PAYMENT, order.transactionId]
    const [row] = await sql.query(
      `select to_jsonb(o) as "order" from orders o where out_trade_no = ${number}`,
      [value],
      REPEATABLE,
    )
    return row === undefined ? null : readOrder(row['order']).order
  }

  return {
    ...createPlacing(sql),
    find,

    async list(filter) {
      const { limit } = filter
      const { text, params } = selectPage({ ...filter, limit: limit + 1 })
      const rows = await sql.query(text, params, REPEATABLE)
      const stored = rows.map((row) => readOrder(row['order']).order)
      const orders = stored.slice(0, limit)
      return { orders, next: stored.length > limit ? (orders.at(-1)?.outTradeNo ?? null) : null }
    },

    async settle(order, confirmation, source, at, autoShipping) {
      const { transactionId, totalFee, cashFee, bankType, openid, paidAt } = confirmation
      const paid: PaidOrder = {
        ...order,
        tradeState: 'SUCCESS',
        transactionId,
        paidAt,
        refundedFee: 0,
        shippingState: autoShipping === null ? null : 'PENDING',
        settlement: NOT_SHIPPED,
      }
      const parcels = [{ itemDesc: order.body }]
      const contentHash = autoShipping === null ? null : fingerprint([autoShipping, parcels])
      const params = [
        order.outTradeNo,
        totalFee,
        transactionId,
        cashFee,
        bankType,
        openid,
        paidAt,
        source,
        at,
        toMerchantOrderView(paid),
        autoShipping,
        JSON.stringify(parcels),
        contentHash,
      ]
      try {
        const moved = await sql.query(SETTLE, params, REPEATABLE)
        if (moved.length > 0) return { moved: true, order: paid }
      } catch (cause) {
        if (cause instanceof DatabaseError && cause.constraint === 'payments_transaction_id_key')
          return 'other_payment'
        throw cause
      }
      const now = await find(order)
      if (now === null || !isPaid(now)) throw new Error('a confirmed payment moved nothing')
      return now.transactionId === transactionId ? { moved: false, order: now } : 'other_payment'
    },

    async close(order, closedAtWechat, at) {
      const event = toMerchantOrderView({ ...order, tradeState: 'CLOSED', closedAtWechat })
      const params = [order.outTradeNo, closedAtWechat, at, event]
      const [row] = await sql.query(CLOSE, params, REPEATABLE)
      if (row !== undefined) return readOrder(row['order']).order
      const now = await find(order)
      if (now === null) throw new Error('an order vanished')
      return now
    },

    async recordIncident({ at, ...incident }) {
      const { kind, expected, received, source } = incident
      const outTradeNo = incident.outTradeNo === null ? null : shorten(incident.outTradeNo)
      const params = [
        incidentFingerprint(kind, incident.outTradeNo, received),
        kind,
        outTradeNo,
        expected,
        received,
        source,
        at,
        { ...incident, outTradeNo },
      ]
      await sql.query(RECORD_INCIDENT, params, REPEATABLE)
    },

    async wasReportedMissing({ outTradeNo, createdAt }, { totalFee, feeType, transactionId }) {
      const received = { totalFee, feeType, transactionId }
      const text = `select from incidents
        where fingerprint = $1 and source in ('notify', 'query') and date_trunc('second', occurred_at) <= $2::timestamptz`
      const params = [incidentFingerprint('order', outTradeNo, received), createdAt]
      return (await sql.query(text, params, REPEATABLE)).length > 0
    },

    async takeUnfinished(limit, quietSince, at) {
      const rows = await sql.query(TAKE_UNFINISHED, [limit, quietSince, at])
      return rows.map((row) => readOrder(row['order']).order)
    },

    isReachable: () =>
      findWriteObstacle(sql).then(
        (obstacle) => obstacle === null,
        () => false,
      ),
  }
}

/**
 * The number in a message can be as long as the message. Only its beginning is stored, because
 * events are indexed by it.
 */
const shorten = (outTradeNo: string): string => outTradeNo.slice(0, 64).toWellFormed()

/** Payments have an index on the transaction id, so orders need none. */
const NUMBER_OF_PAYMENT = '(select out_trade_no from payments where transaction_id = $1)'

const SETTLE = `
  with held as (
    select out_trade_no from orders
    where out_trade_no = $1 and total_fee = $2::integer and trade_state in ('NOTPAY', 'CLOSED')
    for update
  ), payment as (
    insert into payments (out_trade_no, transaction_id, total_fee, cash_fee, bank_type, payer_openid, paid_at, source, recorded_at)
    select out_trade_no, $3, $2::integer, $4::integer, $5, $6, $7::timestamptz, $8, $9::timestamptz from held
    returning out_trade_no
  ), moved as (
    update orders o set trade_state = 'SUCCESS', transaction_id = $3, paid_at = $7::timestamptz,
      shipping_state = case when $11::text is null then null else 'PENDING' end
    from payment where o.out_trade_no = payment.out_trade_no
    returning o.out_trade_no
  ), shipped as (
    insert into shipments (out_trade_no, logistics_type, parcels, content_hash, next_attempt_at, created_at)
    select out_trade_no, $11, $12::json, $13, $9::timestamptz + interval '1 minute', $9::timestamptz from moved where $11::text is not null
  ), told as (
    ${INSERT_EVENT}
    select 'order.paid', out_trade_no, $10::json, $9::timestamptz, $9::timestamptz from moved
  )
  select from moved`

const CLOSE = `
  with held as (
    select out_trade_no, trade_state from orders
    where out_trade_no = $1 and trade_state in ('NOTPAY', 'CLOSED')
    for update
  ), closed as (
    update orders o
    set trade_state = 'CLOSED', closed_at = coalesce(o.closed_at, $3::timestamptz), closed_at_wechat = o.closed_at_wechat or $2::boolean
    from held where o.out_trade_no = held.out_trade_no
    returning o.*, held.trade_state as was
  ), told as (
    ${INSERT_EVENT}
    select 'order.closed', out_trade_no, $4::json, $3::timestamptz, $3::timestamptz from closed where was = 'NOTPAY'
  )
  select to_jsonb(closed) as "order" from closed`

/**
 * A bill alone does not show that an order was placed here, so a later notification or query
 * replaces it as the source. The time is replaced, too: `wasReportedMissing` needs to know since
 * when there is more than the bill.
 */
const RECORD_INCIDENT = `
  with kept as (
    insert into incidents (fingerprint, kind, out_trade_no, expected, received, source, occurred_at)
    values ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7::timestamptz)
    on conflict (fingerprint) do update set source = excluded.source, occurred_at = excluded.occurred_at
      where incidents.kind = 'order' and incidents.source = 'cron' and excluded.source in ('notify', 'query')
    returning xmax = 0 as is_new
  )
  ${INSERT_EVENT}
  select 'payment.incident', $3, $8::json, $7::timestamptz, $7::timestamptz from kept where is_new
  returning id`

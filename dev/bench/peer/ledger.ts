/** The tables of the server to compare with, and its statements. */
import type { Pool } from 'pg'
import * as v from 'valibot'

export const TABLES = `
  create schema if not exists shop;
  create table if not exists shop.users (openid text primary key, created_at timestamptz not null, last_login_at timestamptz not null);
  create table if not exists shop.products (sku text primary key, name text not null, price integer not null, active boolean not null);
  create table if not exists shop.orders (
    id bigint generated always as identity primary key, out_trade_no text not null unique, trade_state text not null default 'NOTPAY',
    openid text not null, total_fee integer not null, body text not null, attach text, items jsonb not null, client_ip text not null,
    notify_url text not null, created_at timestamptz not null, time_expire timestamptz not null, transaction_id text unique, paid_at timestamptz
  );
  create index if not exists orders_by_payer on shop.orders (openid, id desc);
  create table if not exists shop.payments (
    out_trade_no text primary key references shop.orders (out_trade_no), transaction_id text not null unique, total_fee integer not null,
    cash_fee integer, bank_type text, payer_openid text, paid_at timestamptz not null, source text not null, recorded_at timestamptz not null
  );
  create table if not exists shop.events (
    seq bigint generated always as identity primary key, id text not null unique, type text not null, out_trade_no text not null,
    data jsonb not null, created_at timestamptz not null, delivered_at timestamptz
  );
  create index if not exists events_undelivered on shop.events (seq) where delivered_at is null;
  insert into shop.products values ('latte', '拿铁', 2800, true) on conflict do nothing`

const product = { sku: v.string(), name: v.string(), price: v.number() }
const orderRow = v.object({
  out_trade_no: v.string(),
  trade_state: v.picklist(['NOTPAY', 'SUCCESS', 'CLOSED']),
  openid: v.string(),
  total_fee: v.number(),
  body: v.string(),
  attach: v.nullable(v.string()),
  items: v.array(v.object({ ...product, quantity: v.number() })),
  client_ip: v.string(),
  notify_url: v.string(),
  created_at: v.date(),
  time_expire: v.date(),
  transaction_id: v.nullable(v.string()),
  paid_at: v.nullable(v.date()),
})
export type OrderRow = v.InferOutput<typeof orderRow>

export async function findOrder(pool: Pool, outTradeNo: string): Promise<OrderRow | null> {
  const { rows } = await pool.query('select * from shop.orders where out_trade_no = $1', [
    outTradeNo,
  ])
  return rows[0] === undefined ? null : v.parse(orderRow, rows[0])
}

export async function findProducts(pool: Pool, skus: readonly string[]) {
  const { rows } = await pool.query(
    'select sku, name, price from shop.products where sku = any($1) and active',
    [skus],
  )
  return v.parse(v.array(v.object(product)), rows)
}

export async function storeUser(pool: Pool, openid: string): Promise<void> {
  await pool.query(
    `insert into shop.users (openid, created_at, last_login_at) values ($1, now(), now())
     on conflict (openid) do update set last_login_at = excluded.last_login_at`,
    [openid],
  )
}

type NewOrder = Omit<OrderRow, 'trade_state' | 'transaction_id' | 'paid_at'>

export async function storeOrder(pool: Pool, order: NewOrder): Promise<void> {
  const { out_trade_no, openid, total_fee, client_ip, notify_url, created_at, time_expire } = order
  const placed = [out_trade_no, openid, total_fee, client_ip, notify_url, created_at, time_expire]
  await pool.query(
    `insert into shop.orders (out_trade_no, openid, total_fee, client_ip, notify_url, created_at, time_expire, body, attach, items)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [...placed, order.body, order.attach, JSON.stringify(order.items)],
  )
}

export interface Payment {
  readonly transactionId: string
  readonly cashFee: number | null
  readonly bankType: string | null
  readonly openid: string | null
  readonly paidAt: Date
}
export interface PaidEvent {
  readonly id: string
  readonly type: string
  readonly createdAt: Date
  readonly data: object
}

/**
 * Stores order, payment and event in one transaction. Returns false if the order was paid before.
 */
export async function markPaid(
  pool: Pool,
  { out_trade_no, total_fee }: OrderRow,
  { transactionId, cashFee, bankType, openid, paidAt }: Payment,
  source: string,
  event: PaidEvent,
): Promise<boolean> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rowCount } = await client.query(
      `update shop.orders set trade_state = 'SUCCESS', transaction_id = $2, paid_at = $3 where out_trade_no = $1 and trade_state = 'NOTPAY'`,
      [out_trade_no, transactionId, paidAt],
    )
    const isFirst = rowCount === 1
    if (isFirst) {
      await client.query(
        `insert into shop.payments (out_trade_no, transaction_id, total_fee, cash_fee, bank_type, payer_openid, paid_at, source, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, now())`,
        [out_trade_no, transactionId, total_fee, cashFee, bankType, openid, paidAt, source],
      )
      await client.query(
        'insert into shop.events (id, type, out_trade_no, data, created_at) values ($1, $2, $3, $4, $5)',
        [event.id, event.type, out_trade_no, JSON.stringify(event.data), event.createdAt],
      )
    }
    await client.query('commit')
    return isFirst
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

export async function markDelivered(pool: Pool, id: string): Promise<void> {
  await pool.query('update shop.events set delivered_at = now() where id = $1', [id])
}

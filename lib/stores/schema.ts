/**
 * The tables, as migrations in order. A migration that has been released is never changed; a new
 * one is added at the end of `migrations-after-the-sale.ts`.
 *
 * Constraints enforce the rules that must hold whatever the code does. A paid order has exactly one
 * payment, of exactly its amount. States only move forward. The terms that WeChat knows never
 * change.
 */
import { afterTheSale } from './migrations-after-the-sale.ts'
import { literal, type Migration } from './migration.ts'
import {
  users,
  products,
  orders,
  payments,
  incidents,
  events,
  onlyForward,
  refunds,
  refundsOnlyForward,
  refundsPaidOut,
  shipments,
  bills,
  keepAccount,
} from './tables.ts'

export const migrations: readonly Migration[] = [
  {
    name: '0001-payments',
    statements: () => [
      users,
      products,
      orders,
      payments,
      `alter table orders add foreign key (out_trade_no, transaction_id) references payments (out_trade_no, transaction_id)`,
      incidents,
      events,
      `create index users_by_login on users (last_code_hash)`,
      `create index orders_by_payer on orders (openid, id desc)`,
      `create index orders_unfinished on orders (coalesce(asked_at, created_at), id)
         where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)`,
      `create unique index events_paid_once on events (out_trade_no) where type = 'order.paid'`,
      `create index events_due on events (next_attempt_at, seq) where delivered_at is null`,
      `create index events_of_order on events (out_trade_no, seq) where delivered_at is null`,
      onlyForward,
      `create trigger orders_only_forward before update on orders for each row execute function orders_only_forward()`,
    ],
  },
  {
    name: '0002-after-the-payment',
    statements: () => [
      refunds,
      `create index refunds_of_order on refunds (out_trade_no)`,
      `create index refunds_unfinished on refunds (coalesce(asked_at, created_at), out_refund_no) where refund_status in ('PROCESSING', 'CHANGE')`,
      refundsOnlyForward,
      `create trigger refunds_only_forward before update on refunds for each row execute function refunds_only_forward()`,
      `alter table orders add column claimed_fee integer not null default 0,
         add constraint orders_refunds_within_payment check (claimed_fee between refunded_fee and total_fee)`,
      `alter table payments add column billed_on date`,
      shipments,
      `create index shipments_due on shipments (next_attempt_at) where shipping_state = 'PENDING'`,
      `alter table orders add column shipping_state text check (shipping_state in ('PENDING', 'UPLOADED', 'FAILED'))`,
    ],
  },
  {
    name: '0003-bills',
    statements: () => [
      bills,
      `alter table payments add column billed_in integer`,
      `alter table refunds add column billed_in integer, add column accepted_at timestamptz`,
    ],
    indexes: [
      // `billed_on` is left out, so that marking a row changes no index.
      { name: 'payments_by_time', table: 'payments', by: '(paid_at)' },
      { name: 'refunds_by_time', table: 'refunds', by: '(accepted_at)' },
    ],
  },
  {
    name: '0004-lists',
    statements: () => [],
    indexes: [{ name: 'orders_by_state', table: 'orders', by: '(trade_state, id desc)' }],
  },
  {
    name: '0005-refund-outcomes',
    statements: () => [
      // `waiting_since` is null while it equals the time of the claim.
      `alter table refunds add column err_text text, add column waiting_since timestamptz, add column next_attempt_at timestamptz,
         add column parked_at timestamptz`,
    ],
    indexes: [
      {
        name: 'refunds_due',
        table: 'refunds',
        by: `(coalesce(next_attempt_at, created_at), out_refund_no) where (refund_status in ('PROCESSING', 'CHANGE') and parked_at is null)
          or (refund_status = 'REFUNDCLOSE' and next_attempt_at is not null)`,
      },
    ],
  },
  {
    name: '0006-shipment-outcomes',
    statements: () => [
      `alter table shipments add column err_text text, add column requested_at timestamptz`,
    ],
  },
  {
    name: '0007-event-outcomes',
    // `taken_at` is null once the outcome of a delivery is recorded.
    statements: () => [
      `alter table events add column taken_at timestamptz, add column first_attempt_at timestamptz`,
    ],
  },
  {
    name: '0008-open-orders',
    statements: () => [],
    // Only unfinished orders that payers placed: few rows, however old the shop is.
    indexes: [
      {
        name: 'orders_open_by_payer',
        table: 'orders',
        by: `(openid, time_expire)
          where items is not null and (trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat))`,
      },
    ],
  },
  {
    name: '0009-accounts',
    // A constant default is stored once for all rows, so no row is rewritten. An earlier version,
    // which does not know the columns, stores orders and users under this account too. It is
    // always v2.
    statements: ({ appid, mchId }) => [
      `alter table orders add column appid text not null default ${literal(appid)},
         add column mch_id text not null default ${literal(mchId)},
         add column protocol text not null default 'v2',
         add column sub_mch_id text, add column sub_appid text`,
      `alter table users add column appid text not null default ${literal(appid)}`,
      keepAccount,
      // Beside `orders_only_forward`, which stays as 0.1.0 knows it.
      `create trigger orders_keep_account before update on orders for each row
         when ((new.appid, new.mch_id, new.protocol, new.sub_mch_id, new.sub_appid)
           is distinct from (old.appid, old.mch_id, old.protocol, old.sub_mch_id, old.sub_appid))
         execute function orders_keep_account()`,
    ],
  },
  {
    name: '0010-payouts',
    statements: () => [
      `alter table refunds add column payout_requested_at timestamptz`,
      refundsPaidOut,
    ],
  },
  {
    name: '0011-orders-by-time',
    statements: () => [],
    indexes: [
      { name: 'orders_by_time', table: 'orders', by: '(created_at desc, id desc)' },
      {
        name: 'orders_by_state_time',
        table: 'orders',
        by: '(trade_state, created_at desc, id desc)',
      },
    ],
  },
  ...afterTheSale,
]

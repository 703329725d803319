/** The migrations from 0012 on: settlement, complaints and the console. */
import type { Migration } from './migration.ts'
import { complaints, tradeManagement } from './tables.ts'

export const afterTheSale: readonly Migration[] = [
  {
    name: '0012-settlement',
    // `settlement_due_at`: when WeChat is asked next whether the order is settled. Null: not asked.
    statements: () => [
      `alter table orders add column shipped_at timestamptz, add column confirmed_at timestamptz,
         add column settled_at timestamptz, add column overdue_at timestamptz,
         add column settlement_due_at timestamptz`,
      `alter table shipments add column is_all_delivered boolean not null default true,
         add column is_split boolean not null default false,
         add column reported_parcels integer not null default 0,
         add column request_hash text, add column uploaded_at timestamptz`,
      tradeManagement,
    ],
    indexes: [
      {
        name: 'orders_settlement_due',
        table: 'orders',
        by: '(settlement_due_at) where settlement_due_at is not null',
      },
      {
        name: 'orders_unshipped',
        table: 'orders',
        by: '(paid_at) where paid_at is not null and shipped_at is null and overdue_at is null',
      },
      {
        name: 'orders_money_frozen',
        table: 'orders',
        by: `(id desc) where shipped_at is null and (overdue_at is not null or shipping_state = 'FAILED')`,
      },
    ],
  },
  {
    name: '0013-phone-numbers',
    statements: () => [
      `alter table users add column phone_number text, add column phone_code_hash text,
         add column phone_at timestamptz`,
    ],
  },
  {
    // Its time tells which orders were paid before the version that asks about virtual goods.
    name: '0014-virtual-goods',
    statements: () => [],
  },
  {
    name: '0015-complaints',
    statements: () => [
      complaints,
      `create index complaints_due on complaints (next_at) where next_at is not null`,
      `create index complaints_by_time on complaints (complained_at, complaint_id) where state is not null`,
      `create index complaints_of_order on complaints (out_trade_no)`,
    ],
  },
  {
    name: '0016-console',
    // `history`: every attempt with a recorded outcome, oldest first, as `{at, code}`.
    statements: () => [
      `alter table incidents add column handled_at timestamptz,
         add column note text check (length(note) between 1 and 500)`,
      `alter table events add column history jsonb not null default '[]'`,
    ],
    indexes: [
      { name: 'incidents_open', table: 'incidents', by: '(id) where handled_at is null' },
      { name: 'incidents_handled', table: 'incidents', by: '(id) where handled_at is not null' },
      { name: 'events_by_order', table: 'events', by: '(out_trade_no, seq)' },
      { name: 'events_undelivered', table: 'events', by: '(seq) where delivered_at is null' },
    ],
  },
  {
    name: '0017-takings',
    statements: () => [],
    indexes: [
      { name: 'payments_takings', table: 'payments', by: '(paid_at) include (total_fee)' },
      {
        name: 'refunds_takings',
        table: 'refunds',
        by: `(accepted_at) include (refund_fee) where refund_status <> 'REFUNDCLOSE'`,
      },
      {
        name: 'complaints_open',
        table: 'complaints',
        by: `(complained_at) where state <> 'PROCESSED'`,
      },
    ],
  },
  {
    name: '0018-search',
    statements: () => [],
    indexes: [
      {
        name: 'users_by_phone',
        table: 'users',
        by: '(phone_number) where phone_number is not null',
      },
    ],
  },
  {
    name: '0019-history',
    statements: () => [],
    indexes: [{ name: 'incidents_of_order', table: 'incidents', by: '(out_trade_no)' }],
  },
  {
    name: '0020-bill-differences',
    // `claim`: the end of the lease of the comparison that found the difference. `listed_claim`:
    // the comparison whose differences are listed. An earlier version compares a day without a
    // list, so the list and the sums count only if `listed_at` equals `compared_at`.
    statements: () => [
      `create table bill_differences (
         day date not null references bills (day),
         claim timestamptz not null,
         position integer not null,
         fingerprint text not null,
         kind text not null,
         out_trade_no text,
         expected jsonb not null,
         received jsonb not null,
         primary key (day, claim, position)
       )`,
      `alter table bills add column listed_claim timestamptz, add column listed_at timestamptz,
         add column total_fee bigint, add column refund_fee bigint`,
    ],
  },
  {
    name: '0021-lists-by-time',
    statements: () => [],
    indexes: [
      { name: 'incidents_by_time', table: 'incidents', by: '(occurred_at desc, id desc)' },
      { name: 'events_by_time', table: 'events', by: '(created_at desc, seq desc)' },
    ],
  },
  {
    name: '0022-shipping-claims',
    // `claim`: the run that reports the shipment, until `next_attempt_at`. `earlier_requests`: the
    // hashes of the requests before the last one.
    statements: () => [
      `alter table shipments add column claim text,
         add column earlier_requests text[] not null default '{}'`,
    ],
  },
  {
    name: '0023-orders-to-ship',
    statements: () => [],
    indexes: [
      {
        // `orders_unshipped` also has the orders that were refunded in full. It stays, because an
        // earlier version expects it.
        name: 'orders_to_ship',
        table: 'orders',
        by: `(paid_at) where paid_at is not null and shipped_at is null and overdue_at is null and settlement_due_at is null and refunded_fee < total_fee`,
      },
    ],
  },
  {
    name: '0024-refunds-by-day',
    statements: () => [],
    indexes: [
      {
        // In `refunds_takings`, a refund that was made in WeChat's console has no time. That index
        // stays for deployments with the earlier query. Both times are included, because otherwise
        // PostgreSQL would read the table.
        name: 'refunds_by_day',
        table: 'refunds',
        by: `(coalesce(accepted_at, created_at)) include (accepted_at, created_at, refund_fee) where refund_status <> 'REFUNDCLOSE' and refund_id is not null`,
      },
    ],
  },
]

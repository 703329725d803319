/**
 * The tables, as migrations in order. A migration that has been released is never changed; a new one is added below.
 *
 * The rules that must hold whatever the code does are written here as constraints: a paid order has exactly the payment
 * that paid it, of exactly its amount; states move forward only; what WeChat was told about an order never changes.
 */
export interface Migration {
  readonly name: string
  /** Run in one transaction, one by one. */
  readonly statements: readonly string[]
}

const users = `
  create table users (
    openid text primary key,
    unionid text,
    nickname text,
    avatar_url text,
    created_at timestamptz not null,
    last_login_at timestamptz not null,
    last_code_hash text not null unique
  )`

const products = `
  create table products (
    sku text primary key check (sku ~ '^[0-9A-Za-z._-]{1,64}$'),
    name text not null check (octet_length(name) between 1 and 100),
    price integer not null check (price >= 1),
    active boolean not null,
    updated_at timestamptz not null
  )`

const orders = `
  create table orders (
    id bigint generated always as identity unique,
    out_trade_no text primary key check (out_trade_no ~ '^[0-9A-Za-z_|*-]{6,32}$'),
    trade_state text not null default 'NOTPAY' check (trade_state in ('NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED')),
    openid text not null,
    total_fee integer not null check (total_fee >= 1),
    body text not null check (octet_length(body) between 1 and 127),
    attach text check (octet_length(attach) between 1 and 127),
    items jsonb,
    client_ip text not null,
    notify_url text not null,
    created_at timestamptz not null,
    time_expire timestamptz not null,
    request_key text unique,
    request_hash text not null,
    closed_at timestamptz,
    closed_at_wechat boolean not null default false,
    transaction_id text,
    paid_at timestamptz,
    refunded_fee integer not null default 0 check (refunded_fee between 0 and total_fee),
    asked_at timestamptz,
    unique (out_trade_no, total_fee),
    check (time_expire >= created_at + interval '5 minutes'),
    check ((trade_state in ('SUCCESS', 'REFUND')) = (transaction_id is not null)),
    check ((transaction_id is null) = (paid_at is null)),
    check (trade_state <> 'CLOSED' or closed_at is not null),
    check (refunded_fee = 0 or trade_state = 'REFUND')
  )`

/** `source`: who brought the news. `(out_trade_no, total_fee)` makes a payment of another amount impossible to store. */
const payments = `
  create table payments (
    out_trade_no text primary key,
    transaction_id text not null unique,
    total_fee integer not null,
    cash_fee integer,
    bank_type text,
    payer_openid text,
    paid_at timestamptz not null,
    source text not null check (source in ('notify', 'query', 'cron', 'prepay', 'close')),
    recorded_at timestamptz not null,
    unique (out_trade_no, transaction_id),
    foreign key (out_trade_no, total_fee) references orders (out_trade_no, total_fee)
  )`

/** One contradiction is kept once, however often it is repeated: `fingerprint` names it. */
const incidents = `
  create table incidents (
    id bigint generated always as identity primary key,
    fingerprint text not null unique,
    kind text not null,
    out_trade_no text,
    expected jsonb not null,
    received jsonb not null,
    source text not null,
    occurred_at timestamptz not null
  )`

/** What the merchant's system is to hear: written with the change it tells of, delivered until acknowledged. */
const events = `
  create table events (
    seq bigint generated always as identity unique,
    id text primary key default 'evt_' || replace(gen_random_uuid()::text, '-', ''),
    type text not null,
    out_trade_no text,
    data json not null,
    created_at timestamptz not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    delivered_at timestamptz
  )`

const onlyForward = `
  create function orders_only_forward() returns trigger language plpgsql as $$
  begin
    if (new.out_trade_no, new.openid, new.total_fee, new.body, new.attach, new.items, new.client_ip, new.notify_url, new.created_at, new.time_expire)
       is distinct from
       (old.out_trade_no, old.openid, old.total_fee, old.body, old.attach, old.items, old.client_ip, old.notify_url, old.created_at, old.time_expire) then
      raise exception 'the terms of an order never change' using errcode = 'check_violation';
    end if;
    if old.transaction_id is not null and new.transaction_id is distinct from old.transaction_id then
      raise exception 'a payment is never replaced' using errcode = 'check_violation';
    end if;
    if new.trade_state <> old.trade_state and (old.trade_state, new.trade_state) not in
       (('NOTPAY', 'SUCCESS'), ('NOTPAY', 'CLOSED'), ('CLOSED', 'SUCCESS'), ('SUCCESS', 'REFUND')) then
      raise exception 'an order does not move from % to %', old.trade_state, new.trade_state using errcode = 'check_violation';
    end if;
    return new;
  end $$`

export const migrations: readonly Migration[] = [
  {
    name: '0001-payments',
    statements: [
      users,
      products,
      orders,
      payments,
      `alter table orders add foreign key (out_trade_no, transaction_id) references payments (out_trade_no, transaction_id)`,
      incidents,
      events,
      `create index orders_by_payer on orders (openid, id desc)`,
      `create index orders_unfinished on orders (asked_at nulls first, id)
         where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)`,
      `create unique index events_paid_once on events (out_trade_no) where type = 'order.paid'`,
      `create index events_due on events (next_attempt_at, seq) where delivered_at is null`,
      `create index events_of_order on events (out_trade_no, seq) where delivered_at is null`,
      onlyForward,
      `create trigger orders_only_forward before update on orders for each row execute function orders_only_forward()`,
    ],
  },
]

/**
 * The tables of version 0.1.0, and the functions of all triggers: the SQL that the migrations run.
 */

export const users = `
  create table users (
    openid text primary key,
    unionid text,
    nickname text,
    avatar_url text,
    created_at timestamptz not null,
    last_login_at timestamptz not null,
    last_code_hash text not null
  )`

export const products = `
  create table products (
    sku text primary key check (sku ~ '^[0-9A-Za-z._-]{1,64}$'),
    name text not null check (octet_length(name) between 1 and 100),
    price integer not null check (price >= 1),
    active boolean not null,
    updated_at timestamptz not null
  )`

export const orders = `
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

/**
 * `source`: the channel that confirmed the payment. The foreign key `(out_trade_no, total_fee)`
 * makes a payment of another amount impossible to store.
 */
export const payments = `
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

/** A contradiction is stored once, however often it is repeated; `fingerprint` identifies it. */
export const incidents = `
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

/**
 * Events for the merchant's system: each is written with its change and delivered until it is
 * acknowledged.
 */
export const events = `
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

export const onlyForward = `
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

export const keepAccount = `
  create function orders_keep_account() returns trigger language plpgsql as $$
  begin
    raise exception 'the account of an order never changes' using errcode = 'check_violation';
  end $$`

/**
 * `orders.claimed_fee` is the sum of the refunds that are paid or may still be paid. Parallel
 * requests contend for this one row, so the sum never exceeds what was paid.
 */
export const refunds = `
  create table refunds (
    out_refund_no text primary key check (out_refund_no ~ '^[0-9A-Za-z_|*@-]{1,64}$'),
    out_trade_no text not null references orders (out_trade_no),
    refund_fee integer not null check (refund_fee >= 1),
    refund_desc text,
    refund_status text not null default 'PROCESSING' check (refund_status in ('PROCESSING', 'SUCCESS', 'REFUNDCLOSE', 'CHANGE')),
    refund_id text unique,
    err_code text,
    created_at timestamptz not null,
    asked_at timestamptz,
    billed_on date,
    check (refund_status in ('PROCESSING', 'REFUNDCLOSE') or refund_id is not null)
  )`

export const refundsOnlyForward = `
  create function refunds_only_forward() returns trigger language plpgsql as $$
  begin
    if (new.out_refund_no, new.out_trade_no, new.refund_fee) is distinct from (old.out_refund_no, old.out_trade_no, old.refund_fee) then
      raise exception 'the terms of a refund never change' using errcode = 'check_violation';
    end if;
    if new.refund_status <> old.refund_status and (old.refund_status in ('SUCCESS', 'REFUNDCLOSE') or new.refund_status = 'PROCESSING') then
      raise exception 'a refund does not move from % to %', old.refund_status, new.refund_status using errcode = 'check_violation';
    end if;
    return new;
  end $$`

/** Replaces the function above: after a payout was requested, CHANGE may become PROCESSING. */
export const refundsPaidOut = `
  create or replace function refunds_only_forward() returns trigger language plpgsql as $$
  begin
    if (new.out_refund_no, new.out_trade_no, new.refund_fee) is distinct from (old.out_refund_no, old.out_trade_no, old.refund_fee) then
      raise exception 'the terms of a refund never change' using errcode = 'check_violation';
    end if;
    if new.refund_status <> old.refund_status and (old.refund_status in ('SUCCESS', 'REFUNDCLOSE') or
       (new.refund_status = 'PROCESSING' and new.payout_requested_at is null)) then
      raise exception 'a refund does not move from % to %', old.refund_status, new.refund_status using errcode = 'check_violation';
    end if;
    return new;
  end $$`

export const shipments = `
  create table shipments (
    out_trade_no text primary key references orders (out_trade_no),
    logistics_type text not null check (logistics_type in ('express', 'local_delivery', 'virtual', 'self_pickup')),
    parcels json not null,
    content_hash text not null,
    was_changed boolean not null default false,
    shipping_state text not null default 'PENDING' check (shipping_state in ('PENDING', 'UPLOADED', 'FAILED')),
    err_code text,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    created_at timestamptz not null
  )`

/**
 * Whether WeChat holds the money of an app's orders until they are shipped. `ask_at`: when WeChat
 * is asked again.
 */
export const tradeManagement = `
  create table trade_management (
    appid text primary key,
    is_managed boolean,
    ask_at timestamptz not null
  )`

/**
 * A complaint is stored by its number first. `state` and the columns after it are null until WeChat
 * has described it. `next_at`: when WeChat must be asked, or the merchant warned. `out_trade_no`:
 * null if the ledger does not have the order.
 */
export const complaints = `
  create table complaints (
    complaint_id text primary key check (complaint_id ~ '^[0-9A-Za-z_-]{1,64}$'),
    reported_at timestamptz not null,
    next_at timestamptz,
    attempts integer not null default 0,
    state text check (state in ('PENDING', 'PROCESSING', 'PROCESSED')),
    complained_at timestamptz,
    out_trade_no text references orders (out_trade_no),
    openid text,
    content json,
    asked_at timestamptz,
    reply_warned_at timestamptz,
    finish_warned_at timestamptz,
    acting_until timestamptz,
    check ((state is null) = (complained_at is null) and (state is null) = (content is null) and (state is null) = (asked_at is null))
  )`

/**
 * One row per day. `comparison` numbers the current comparison or the next one. Rows that it finds
 * in the bill are marked with day and number, so the marks of an earlier comparison do not count.
 */
export const bills = `
  create table bills (
    day date primary key,
    comparison integer not null default 1,
    claimed_until timestamptz,
    compared_at timestamptz,
    outcome text check (outcome in ('compared', 'empty', 'too_different')),
    payments integer,
    refunds integer,
    settled integer,
    differences integer,
    check ((compared_at is null) = (outcome is null))
  )`

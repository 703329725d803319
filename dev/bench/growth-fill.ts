/**
 * Fills a ledger in SQL: orders in their final states, and all rows that belong to them.
 *
 * The shop takes the same number of orders a day at every size, and is only older. A day, and what
 * is due, is therefore the same everywhere. Indexes are created last, which is faster than updating
 * them.
 */
import type { Pool, PoolClient } from 'pg'
import * as v from 'valibot'
import type { Cleanups } from '../world/cleanups.ts'

export interface Shop {
  readonly orders: number
  readonly ordersADay: number
  readonly lastPlaced: Date
  /** A payer whose orders are spread over the latest ones, which are the same at every size. */
  readonly payer: {
    readonly openid: string
    readonly orders: number
    readonly amongLatest: number
  }
}

/** The tables that grow with the orders. The others stay small for years. */
export const growing = [
  'orders',
  'payments',
  'events',
  'shipments',
  'refunds',
  'users',
  'incidents',
] as const

const STEP = 50_000
const AT_ONCE = 2

const SETTINGS = [
  'synchronous_commit = off',
  `maintenance_work_mem = '512MB'`,
  `work_mem = '128MB'`,
  'jit = off',
]

/**
 * A small ledger shows that the rows satisfy all constraints. A large one is filled in the same
 * way.
 */
const MOST_VALIDATED = 10_000

export async function fill(pool: Pool, shop: Shop, cleanups: Cleanups): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, pool.options.max) }, () => pool.connect()),
  )
  const release = (isBroken: boolean) =>
    clients.splice(0).forEach((client) => client.release(isBroken))
  // A statement may take minutes: an interrupt closes its connection.
  cleanups.add(() => release(true))
  const inOrder = async (statements: readonly Statement[]) => {
    for (const statement of statements)
      if (clients[0] !== undefined) await run(clients[0], statement)
  }
  const inParallel = async (statements: Iterable<Statement>) => {
    const waiting = [...statements].values()
    await Promise.all(
      clients.map(async (client) => {
        for (const statement of waiting) await run(client, statement)
      }),
    )
  }
  for (const client of clients) for (const setting of SETTINGS) await client.query(`set ${setting}`)
  // By a client and not by the pool: an embedded database has one connection, which is taken.
  const shape = v.parse(shapeRows, (await clients[0]?.query(SHAPE, [growing]))?.rows)
  const only = (wanted: (typeof shape)[number]['step']) =>
    shape.filter(({ step }) => step === wanted)
  await inOrder(only('drop'))
  await inParallel(insertions(shop))
  await inParallel(only('index'))
  await inOrder(only('constrain'))
  if (shop.orders <= MOST_VALIDATED) await inOrder(only('validate'))
  await inOrder([
    { text: `select setval(pg_get_serial_sequence('orders', 'id'), $1)`, values: [shop.orders] },
    { text: `select setval(pg_get_serial_sequence('events', 'seq'), max(seq)) from events` },
    // Every day is compared, today as well, because it may end meanwhile.
    {
      text: `insert into bills (day, comparison, compared_at, outcome)
        select day, 2, now(), 'compared' from generate_series((select (min(created_at) at time zone 'Asia/Shanghai')::date from orders), (now() at time zone 'Asia/Shanghai')::date, '1 day') day`,
    },
  ])
  await inParallel(growing.map((table) => ({ text: `vacuum (analyze) ${table}` })))
  for (const client of clients) await client.query('reset all')
  release(false)
}

interface Statement {
  readonly text: string
  readonly values?: readonly unknown[]
}

const run = (client: PoolClient, { text, values = [] }: Statement) =>
  client.query(text, [...values])

const shapeRows = v.array(
  v.object({ step: v.picklist(['drop', 'index', 'constrain', 'validate']), text: v.string() }),
)

/**
 * The statements that remove all indexes and constraints, and those that create them again, in
 * their order.
 */
const SHAPE = `
  with constraints as (
    select conrelid::regclass::text as tab, conname as name, contype as kind, pg_get_constraintdef(oid) as definition, conindid as index
    from pg_constraint where contype in ('p', 'u', 'f', 'c')
      and (conrelid::regclass::text = any($1) or (contype = 'f' and confrelid::regclass::text = any($1)))
  ), indexes as (
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
    where indrelid::regclass::text = any($1) and indexrelid not in (select index from constraints where kind in ('p', 'u'))
  )
  select step, text from (
    select 1 as place, kind <> 'f' as late, name, 'drop' as step, format('alter table %s drop constraint %s', tab, name) as text from constraints
    union all select 2, false, name, 'drop', format('drop index %s', name) from indexes
    union all select 3, false, name, 'index', pg_get_indexdef(index) from constraints where kind in ('p', 'u')
    union all select 3, false, name, 'index', definition from indexes
    union all select 4, kind = 'f', name, 'constrain', format('alter table %s add constraint %s ', tab, name) || case kind
      when 'p' then format('primary key using index %s', name) when 'u' then format('unique using index %s', name)
      else definition || ' not valid' end from constraints
    union all select 5, false, name, 'validate', format('alter table %s validate constraint %s', tab, name) from constraints where kind in ('f', 'c')
  ) statements order by place, late, name`

/**
 * Parameters: from, to, all orders, orders a day, the payer with a history, the distance between
 * their orders, among how many of the latest, the time of the last order. One statement for all
 * tables, because generating an order takes as long as storing it.
 */
const INSERT = `
  with given as (
    select n, date_trunc('second', $8::timestamptz - ($3::bigint - n) * (interval '1 day' / $4::float8)) as at,
      case when n % 25 = 0 then 'REFUND' when n % 25 <= 21 then 'SUCCESS' else 'CLOSED' end as state, md5(n::text) as hash
    from generate_series($1::bigint, $2::bigint) n
  ), dated as (
    select *, to_char(at at time zone 'Asia/Shanghai', 'YYYYMMDDHH24MISS') as digits, at + interval '40 seconds' as paid_at from given offset 0
  ), facts as materialized (
    select *, digits || left(hash, 18) as out_trade_no, ((paid_at) at time zone 'Asia/Shanghai')::date as paid_on,
      '4200002500' || left(digits, 8) || lpad((n * 2654435761 % 10000000000)::text, 10, '0') as transaction_id,
      case when $3::bigint - n < $7::bigint and ($3::bigint - n) % $6::bigint = 0 then $5::text
        else 'oGrowth' || left(md5('u' || n * 7919 % ($3::bigint / 4)), 21) end as openid
    from dated
  ), placed as (
    insert into orders (id, out_trade_no, trade_state, openid, total_fee, body, items, client_ip, notify_url, created_at, time_expire, request_key,
      request_hash, closed_at, closed_at_wechat, transaction_id, paid_at, refunded_fee, claimed_fee, asked_at, shipping_state, shipped_at, settled_at, settlement_due_at)
    overriding system value
    select n, out_trade_no, state, openid, 2800, '拿铁', '[{"sku":"latte","name":"拿铁","price":2800,"quantity":1}]', '203.0.113.7',
      'https://shop.example/api/notify', at, at + interval '2 hours', 'user:' || openid || ':' || reverse(hash), hash || hash,
      case when state = 'CLOSED' then at + interval '2 hours' end, state = 'CLOSED',
      case when state <> 'CLOSED' then transaction_id end, case when state <> 'CLOSED' then paid_at end,
      case when state = 'REFUND' then 2800 else 0 end, case when state = 'REFUND' then 2800 else 0 end,
      case when state = 'CLOSED' then at + interval '2 hours' end, case when state = 'SUCCESS' then 'UPLOADED' end,
      case when state = 'SUCCESS' then paid_at + interval '1 minute' end,
      case when state = 'SUCCESS' and at <= $8::timestamptz - interval '10 days' then at + interval '9 days' end,
      case when state = 'SUCCESS' and at > $8::timestamptz - interval '10 days' then $8::timestamptz + interval '1 day' end
    from facts
  ), paid as (
    insert into payments (out_trade_no, transaction_id, total_fee, cash_fee, bank_type, payer_openid, paid_at, source, recorded_at, billed_on, billed_in)
    select out_trade_no, transaction_id, 2800, 2800, 'OTHERS', openid, paid_at, 'notify', paid_at, paid_on, 1 from facts where state <> 'CLOSED'
  ), shipped as (
    insert into shipments (out_trade_no, logistics_type, parcels, content_hash, shipping_state, attempts, created_at)
    select out_trade_no, 'self_pickup', '[{"itemDesc":"拿铁"}]', hash || hash, 'UPLOADED', 1, paid_at + interval '1 minute' from facts where state = 'SUCCESS'
  ), refunded as (
    insert into refunds (out_refund_no, out_trade_no, refund_fee, refund_desc, refund_status, refund_id, created_at, accepted_at, billed_on, billed_in)
    select 'R' || out_trade_no, out_trade_no, 2800, '退款', 'SUCCESS', '5030' || right(transaction_id, 24), paid_at, paid_at, paid_on, 1
    from facts where state = 'REFUND'
  ), told as (
    insert into events (seq, id, type, out_trade_no, data, created_at, attempts, delivered_at)
    overriding system value
    select seq, 'evt_' || md5('e' || seq), type, out_trade_no, data::json, paid_at, 1, paid_at + interval '1 second'
    from (
      select n as seq, case when state = 'CLOSED' then 'order.closed' else 'order.paid' end as type, out_trade_no, paid_at,
        '{"outTradeNo":"' || out_trade_no || '","tradeState":"' || state || '","totalFee":2800,"body":"拿铁","items":[{"sku":"latte","name":"拿铁","price":2800,"quantity":1}],"createdAt":"'
          || at || '","timeExpire":"' || at || '"' || case when state = 'CLOSED' then '' else ',"transactionId":"' || transaction_id || '","paidAt":"' || paid_at || '"' end || '}' as data
      from facts
      union all
      select $3::bigint + n, 'refund.succeeded', out_trade_no, paid_at,
        '{"outRefundNo":"R' || out_trade_no || '","outTradeNo":"' || out_trade_no || '","refundFee":2800,"refundStatus":"SUCCESS"}'
      from facts where state = 'REFUND'
    ) events
  ), doubted as (
    insert into incidents (fingerprint, kind, out_trade_no, expected, received, source, occurred_at)
    select '["amount","' || out_trade_no || '"]', 'amount', out_trade_no, '{"totalFee":2800}', '{"totalFee":1}', 'notify', paid_at
    from facts where n % 10000 = 0
  )
  insert into users (openid, nickname, created_at, last_login_at, last_code_hash)
  select openid, '微信用户', at, at, hash || hash from facts where n <= $3::bigint / 4 and openid <> $5::text`

function* insertions({ orders, ordersADay, payer, lastPlaced }: Shop): Generator<Statement> {
  const apart = Math.floor(payer.amongLatest / payer.orders)
  const common = [orders, ordersADay, payer.openid, apart, payer.amongLatest, lastPlaced]
  for (let from = 1; from <= orders; from += STEP)
    yield { text: INSERT, values: [from, Math.min(from + STEP - 1, orders), ...common] }
}

/**
 * Fills a ledger in SQL with what so many orders leave behind: the orders in their final states, and whatever grows with them.
 *
 * The shop takes as many orders a day at every size, it is only older: so a day, and what is due, is the same everywhere. The
 * indexes are made last, as they are faster made than kept.
 */
import type { Pool, PoolClient } from 'pg'
import * as v from 'valibot'

export interface Shop {
  readonly orders: number
  readonly ordersADay: number
  /** Long enough ago that nothing is due any more. */
  readonly lastPlaced: Date
  /** A payer whose orders are spread over the latest so many, which are there at every size. */
  readonly faithful: {
    readonly openid: string
    readonly orders: number
    readonly amongLatest: number
  }
}

/** What grows with the orders. The others, products and the day's line of a bill, stay small for years. */
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

/** Constraints hold for every further row; that these rows keep them is shown by a small ledger, for a large one is made the same way. */
const MOST_VALIDATED = 10_000

/** @param broken ends the connections in the middle of what they do, for that may be minutes. */
export async function fill(pool: Pool, shop: Shop, broken: AbortSignal): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, pool.options.max) }, () => pool.connect()),
  )
  const letGo = (isBroken: boolean) =>
    clients.splice(0).forEach((client) => client.release(isBroken))
  const breakOff = () => letGo(true)
  broken.addEventListener('abort', breakOff)
  try {
    for (const client of clients) {
      await client.query('set synchronous_commit = off')
      await client.query(`set maintenance_work_mem = '512MB'`)
      await client.query(`set work_mem = '128MB'`)
      await client.query('set jit = off')
    }
    const shape = await readShape(clients)
    await inOrder(clients, shape.drop)
    await sideBySide(clients, insertions(shop))
    await sideBySide(clients, shape.createIndexes)
    await inOrder(clients, shape.addConstraints)
    if (shop.orders <= MOST_VALIDATED) await inOrder(clients, shape.validate)
    await inOrder(clients, [
      { text: `select setval(pg_get_serial_sequence('orders', 'id'), $1)`, values: [shop.orders] },
      { text: `select setval(pg_get_serial_sequence('events', 'seq'), max(seq)) from events` },
    ])
    // Every day is compared, today as well, for it may end meanwhile.
    await inOrder(clients, [
      {
        text: `insert into bills (day, comparison, compared_at, outcome)
          select day, 2, now(), 'compared' from generate_series((select (min(created_at) at time zone 'Asia/Shanghai')::date from orders), (now() at time zone 'Asia/Shanghai')::date, '1 day') day`,
      },
    ])
    await sideBySide(
      clients,
      growing.map((table) => ({ text: `vacuum (analyze) ${table}` })),
    )
    for (const client of clients) await client.query('reset all')
  } finally {
    broken.removeEventListener('abort', breakOff)
    letGo(false)
  }
}

interface Statement {
  readonly text: string
  readonly values?: readonly unknown[]
}

const run = (client: PoolClient, { text, values = [] }: Statement) =>
  client.query(text, [...values])

async function inOrder(
  [client]: readonly PoolClient[],
  statements: readonly Statement[],
): Promise<void> {
  for (const statement of statements) if (client !== undefined) await run(client, statement)
}

async function sideBySide(
  clients: readonly PoolClient[],
  statements: Iterable<Statement>,
): Promise<void> {
  const waiting = [...statements].values()
  await Promise.all(
    clients.map(async (client) => {
      for (const statement of waiting) await run(client, statement)
    }),
  )
}

const constraintRows = v.array(
  v.object({
    name: v.string(),
    table: v.string(),
    kind: v.picklist(['p', 'u', 'f', 'c']),
    definition: v.string(),
    index: v.nullable(v.string()),
  }),
)
const indexRows = v.array(v.object({ name: v.string(), definition: v.string() }))

/** Everything that is kept beside the rows, and how it is made again. */
async function readShape([client]: readonly PoolClient[]) {
  const constraints = v.parse(
    constraintRows,
    (
      await client?.query(
        `select conname as name, conrelid::regclass::text as table, contype::text as kind, pg_get_constraintdef(oid) as definition,
           case when contype in ('p', 'u') then pg_get_indexdef(conindid) end as index
         from pg_constraint where contype in ('p', 'u', 'f', 'c') and conrelid::regclass::text = any($1) order by contype = 'f', conname`,
        [growing],
      )
    )?.rows,
  )
  const indexes = v.parse(
    indexRows,
    (
      await client?.query(
        `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
         where indrelid::regclass::text = any($1) and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))`,
        [growing],
      )
    )?.rows,
  )
  return {
    drop: [
      ...constraints
        .toReversed()
        .map(({ table, name }) => ({ text: `alter table ${table} drop constraint ${name}` })),
      ...indexes.map(({ name }) => ({ text: `drop index ${name}` })),
    ],
    createIndexes: [
      ...constraints.map(({ index }) => index),
      ...indexes.map(({ definition }) => definition),
    ]
      .filter((definition) => definition !== null)
      .map((text) => ({ text })),
    validate: constraints
      .filter(({ kind }) => kind === 'f' || kind === 'c')
      .map(({ table, name }) => ({ text: `alter table ${table} validate constraint ${name}` })),
    addConstraints: constraints.map(({ table, name, kind, definition }) => ({
      text: `alter table ${table} add constraint ${name} ${addition(kind, name, definition)}`,
    })),
  }
}

function addition(kind: 'p' | 'u' | 'f' | 'c', name: string, definition: string): string {
  if (kind === 'p') return `primary key using index ${name}`
  if (kind === 'u') return `unique using index ${name}`
  return `${definition} not valid`
}

/**
 * Parameters: from, to, all orders, orders a day, the faithful payer, every which order is theirs, among how many of the
 * latest, when the last one was placed. One statement for all tables, because to make up an order takes as long as to store it.
 */
const LEAVE_BEHIND = `
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
      request_hash, closed_at, closed_at_wechat, transaction_id, paid_at, refunded_fee, claimed_fee, asked_at, shipping_state)
    overriding system value
    select n, out_trade_no, state, openid, 2800, '拿铁', '[{"sku":"latte","name":"拿铁","price":2800,"quantity":1}]', '203.0.113.7',
      'https://shop.example/api/notify', at, at + interval '2 hours', 'user:' || openid || ':' || reverse(hash), hash || hash,
      case when state = 'CLOSED' then at + interval '2 hours' end, state = 'CLOSED',
      case when state <> 'CLOSED' then transaction_id end, case when state <> 'CLOSED' then paid_at end,
      case when state = 'REFUND' then 2800 else 0 end, case when state = 'REFUND' then 2800 else 0 end,
      case when state = 'CLOSED' then at + interval '2 hours' end, case when state = 'SUCCESS' then 'UPLOADED' end
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

function* insertions({ orders, ordersADay, faithful, lastPlaced }: Shop): Generator<Statement> {
  const apart = Math.floor(faithful.amongLatest / faithful.orders)
  const common = [orders, ordersADay, faithful.openid, apart, faithful.amongLatest, lastPlaced]
  for (let from = 1; from <= orders; from += STEP)
    yield { text: LEAVE_BEHIND, values: [from, Math.min(from + STEP - 1, orders), ...common] }
}

/**
 * The part of the ledger that places orders: each is priced, checked and stored in one statement.
 */
import { MAX_FEN } from '../core/money.ts'
import type { Ledger, OrderDraft, PlacedOrder } from '../ports.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readOrder, type StoredOrder } from './rows.ts'

export const createPlacing = (sql: Sql): Pick<Ledger, 'placeFromCatalogue' | 'placePriced'> => ({
  async placeFromCatalogue(draft, basket, maxOpen) {
    const params = [
      ...draftParams(draft),
      basket.map((line) => line.sku),
      basket.map((line) => line.quantity),
      MAX_FEN,
      maxOpen,
    ]
    return placeOrRetry(() => sql.query(PLACE_FROM_CATALOGUE, params, REPEATABLE), draft)
  },

  async placePriced(draft, { totalFee, body }) {
    const params = [...draftParams(draft), totalFee, body]
    return placeOrRetry(() => sql.query(PLACE_PRICED, params, REPEATABLE), draft)
  },
})

/** The second attempt sees the order that a concurrent request has stored. */
const placeOrRetry = async (attempt: Attempt, draft: OrderDraft): Promise<PlacedOrder> =>
  (await placeOnce(attempt, draft)) ?? (await placeOnce(attempt, draft)) ?? CONFLICT

type Attempt = () => Promise<readonly Record<string, unknown>[]>

const DRAFT_COLUMNS =
  'out_trade_no, openid, attach, client_ip, notify_url, created_at, time_expire, request_key, request_hash, appid, mch_id, protocol, sub_mch_id, sub_appid'
const DRAFT_VALUES =
  '$1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz, $8, $9, $10, $11, $12, $13, $14'

const draftParams = (draft: OrderDraft) => [
  draft.outTradeNo,
  draft.openid,
  draft.attach,
  draft.clientIp,
  draft.notifyUrl,
  draft.createdAt,
  draft.timeExpire,
  draft.requestKey,
  draft.requestHash,
  draft.account.appid,
  draft.account.mchId,
  draft.account.protocol,
  draft.account.sub?.mchId ?? null,
  draft.account.sub?.appid ?? null,
]

/**
 * `body` is the first product's name, followed by the number of lines if there are several.
 *
 * An order that is closed here and not at WeChat counts as open, because cron still has to ask
 * about it. The payer's orders are counted only up to the limit, and sorted as the index is:
 * without `order by` PostgreSQL may scan the whole table. Concurrent requests of one payer do not
 * see each other's orders, so each of them can exceed the limit by its own order.
 */
const PLACE_FROM_CATALOGUE = `
  with wanted as (
    select sku, quantity, line from unnest($15::text[], $16::integer[]) with ordinality as w (sku, quantity, line)
  ), priced as (
    select count(*) as asked, string_agg(w.sku, ', ' order by w.line) filter (where p.sku is null) as unknown, coalesce(sum(p.price::bigint * w.quantity), 0) as total,
      jsonb_agg(jsonb_build_object('sku', p.sku, 'name', p.name, 'price', p.price, 'quantity', w.quantity) order by w.line) as items,
      (array_agg(p.name order by w.line))[1] as first_name
    from wanted w left join products p on p.sku = w.sku and p.active
  ), open as (
    select count(*) as orders from (
      select from orders
      where openid = $2 and items is not null and time_expire > $6::timestamptz
        and (trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat))
      order by time_expire limit $18::integer
    ) o
  ), placed as (
    insert into orders (${DRAFT_COLUMNS}, total_fee, body, items)
    select ${DRAFT_VALUES},
      total::integer, case when asked = 1 then first_name else first_name || ' 等' || asked || '件' end, items
    from priced, open where unknown is null and total <= $17::bigint and orders < $18::integer
    on conflict do nothing
    returning *
  )
  select unknown, total > $17::bigint as too_expensive, case when orders >= $18::integer then $18::integer end as too_many_open,
    (select to_jsonb(p) from placed p) as placed,
    (select jsonb_agg(to_jsonb(o)) from orders o where o.request_key = $8 or o.out_trade_no = $1) as existing
  from priced, open`

/**
 * Five minutes: WeChat's current pages say one minute; its older pages and an error message say
 * five. Seven days: WeChat then closes an unpaid order by itself.
 */
const PLACE_PRICED = `
  with span as (
    select $7::timestamptz between $6::timestamptz + interval '5 minutes' and $6::timestamptz + interval '7 days' as fits
  ), placed as (
    insert into orders (${DRAFT_COLUMNS}, total_fee, body)
    select ${DRAFT_VALUES}, $15::integer, $16 from span where fits
    on conflict do nothing
    returning *
  )
  select not fits as expiry_out_of_range,
    (select to_jsonb(p) from placed p) as placed,
    (select jsonb_agg(to_jsonb(o)) from orders o where o.request_key = $8 or o.out_trade_no = $1) as existing
  from span`

/**
 * Null: a concurrent request stored the order while the statement ran, so the statement could
 * neither store an order nor see the stored one.
 */
async function placeOnce(attempt: Attempt, draft: OrderDraft): Promise<PlacedOrder | null> {
  const [row] = await attempt()
  const placed = row?.['placed']
  if (placed !== null && placed !== undefined)
    return { outcome: 'placed', order: readOrder(placed).order }
  const existing = Array.isArray(row?.['existing']) ? row['existing'].map(readOrder) : []
  const [stored]: StoredOrder[] = existing
  if (stored !== undefined) {
    const same = existing.length === 1 && stored.requestHash === draft.requestHash
    return same ? { outcome: 'repeated', order: stored.order } : CONFLICT
  }
  const { unknown, too_expensive, too_many_open, expiry_out_of_range } = row ?? {}
  if (typeof unknown === 'string')
    return refuse('items', `products of the catalogue, which has no ${unknown}`)
  if (too_expensive === true) return refuse('items', 'a total that WeChat can take')
  if (typeof too_many_open === 'number')
    return { outcome: 'refused', failure: { reason: 'too_many_open_orders', most: too_many_open } }
  return expiry_out_of_range === true
    ? refuse('timeExpire', 'between 5 minutes and 7 days from now')
    : null
}

const CONFLICT: PlacedOrder = { outcome: 'conflict', failure: { reason: 'order_conflict' } }

const refuse = (field: string, expected: string): PlacedOrder => ({
  outcome: 'refused',
  failure: { reason: 'invalid_request', field, expected },
})

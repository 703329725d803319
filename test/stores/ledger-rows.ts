/** Reads the rows of an order directly from the database. */
import type { Json, Shop } from '../support/shop.ts'

/** `order` lacks `asked_at`, because any query of the order changes it. */
export async function ledgerOf(shop: Pick<Shop, 'sql'>, outTradeNo: string): Promise<Json> {
  const [row] = await shop.sql(
    `select
       (select to_jsonb(o) - 'asked_at' from orders o where o.out_trade_no = $1) as "order",
       (select coalesce(jsonb_agg(p.transaction_id), '[]') from payments p where p.out_trade_no = $1) as payments,
       (select coalesce(jsonb_agg(i.kind order by i.id), '[]') from incidents i where i.out_trade_no = $1) as incidents,
       (select coalesce(jsonb_agg(e.type order by e.seq), '[]') from events e where e.out_trade_no = $1) as events`,
    [outTradeNo],
  )
  if (row === undefined) throw new Error('no answer')
  return row
}

/** The rows of a new order. */
export const UNTOUCHED = {
  order: { trade_state: 'NOTPAY', transaction_id: null, paid_at: null },
  payments: [],
  incidents: [],
  events: [],
}

/** What the database holds about an order, read past the product. */
import type { Json, Shop } from '../support/shop.ts'

/** `order` without the note of when WeChat was last asked, which anybody may cause. */
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

/** An order that nobody has paid and nothing else has happened to. */
export const UNTOUCHED = {
  order: { trade_state: 'NOTPAY', transaction_id: null, paid_at: null },
  payments: [],
  incidents: [],
  events: [],
}

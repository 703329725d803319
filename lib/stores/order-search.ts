import type { OrderSearch } from '../ports.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readOrder } from './rows.ts'

const IS_AFTER = `($4::text is null or o.id < (select id from orders where out_trade_no = $4))`

const ofPayer = (isPayer: string) => `(
  select o.id from orders o where ${isPayer} and ${IS_AFTER} order by o.id desc limit $3::integer)`

/** Each part reads an index, and at most a page of the orders of one payer. */
const FIND = `
  select to_jsonb(o) as "order" from orders o where ${IS_AFTER} and o.id in (
    select id from orders where out_trade_no = $1
    union select n.id from payments p join orders n using (out_trade_no) where p.transaction_id = $1
    union select n.id from refunds r join orders n using (out_trade_no) where r.out_refund_no = $1
    union select n.id from refunds r join orders n using (out_trade_no) where r.refund_id = $1
    union ${ofPayer('o.openid = $1')}
    union select n.id from users u cross join lateral ${ofPayer('o.openid = u.openid and o.appid = u.appid')} n
      where u.phone_number = $2
  )
  order by o.id desc limit $3::integer`

export const createOrderSearch = (sql: Sql): OrderSearch => ({
  async find({ text, phoneNumber, before, limit }) {
    const rows = await sql.query(FIND, [text, phoneNumber, limit + 1, before], REPEATABLE)
    const stored = rows.map((row) => readOrder(row['order']).order)
    const orders = stored.slice(0, limit)
    return { orders, next: stored.length > limit ? (orders.at(-1)?.outTradeNo ?? null) : null }
  },
})

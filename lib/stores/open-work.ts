/** Counts what still needs the settings of a protocol. A person asks before removing its key. */
import * as v from 'valibot'
import type { Sql } from './neon.ts'

export interface OpenWork {
  readonly protocol: string
  /** Orders that may still be paid. */
  readonly orders: number
  /** Refunds whose outcome is not known yet. */
  readonly refunds: number
}

/** Only unfinished rows, which have indexes of their own. */
const OPEN_WORK = `
  select protocol, sum(orders)::integer as orders, sum(refunds)::integer as refunds from (
    select protocol, 1 as orders, 0 as refunds from orders
    where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)
    union all
    select o.protocol, 0, 1 from refunds r join orders o using (out_trade_no)
    where r.refund_status in ('PROCESSING', 'CHANGE')
  ) open group by protocol order by protocol`

const rows = v.array(v.object({ protocol: v.string(), orders: v.number(), refunds: v.number() }))

/** One entry for each protocol with unfinished orders or refunds. One round trip. */
export const countOpenWork = async (sql: Sql): Promise<readonly OpenWork[]> =>
  v.parse(rows, await sql.query(OPEN_WORK))

/** The payments and refunds of the ledger that are missing from their day's bill, page by page. */
import * as v from 'valibot'
import type { Account } from '../core/account.ts'
import { plusDays, startOf } from '../core/day.ts'
import { isPaid, type PaidOrder } from '../core/order.ts'
import type { Refund } from '../core/refund.ts'
import type { BillClaim } from '../ports.ts'
import { beijingDate } from './beijing-date.ts'
import type { Sql } from './neon.ts'
import { readOrder, readRefund, refundJson } from './rows.ts'

const PAGE = 500

/** A busy day is read in parts, because each statement must end within seconds. */
const PART_MS = 2 * 3_600_000

export async function* findPayments(
  sql: Sql,
  claim: BillClaim,
  account: Account,
  marginMs: number,
): AsyncGenerator<readonly PaidOrder[], void, void> {
  const { from, to } = spanOf(claim, marginMs)
  for (let start = from; start < to; start += PART_MS) {
    const part = [new Date(start), new Date(Math.min(start + PART_MS, to))]
    for await (const rows of pages(sql, UNBILLED_PAYMENTS, claim, account, marginMs, part))
      yield rows
        .map((row) => readOrder(row['order']).order)
        .filter((order): order is PaidOrder => isPaid(order))
  }
}

export async function* findRefunds(
  sql: Sql,
  claim: BillClaim,
  account: Account,
  marginMs: number,
): AsyncGenerator<readonly Refund[], void, void> {
  const { from, to } = spanOf(claim, marginMs)
  const span = [new Date(from), new Date(to)]
  for await (const rows of pages(sql, UNBILLED_REFUNDS, claim, account, marginMs, span))
    yield rows.map((row) => readRefund(row['refund']))
}

/** The time span of the day and its margins. */
const spanOf = ({ day }: BillClaim, marginMs: number) => ({
  from: startOf(day).getTime() - marginMs,
  to: startOf(plusDays(day, 1)).getTime() + marginMs,
})

const lastRow = v.object({ at: v.string(), number: v.string() })

/** Each page begins after the time and the number of the previous page's last row. */
async function* pages(
  sql: Sql,
  statement: string,
  { day, comparison }: BillClaim,
  { appid, mchId }: Account,
  marginMs: number,
  span: readonly Date[],
) {
  const interval = `${marginMs} milliseconds`
  let after: readonly string[] = ['-infinity', '']
  for (;;) {
    const params = [day, comparison, ...span, interval, PAGE, appid, mchId, ...after]
    const rows = await sql.query(statement, params)
    if (rows.length > 0) yield rows
    if (rows.length < PAGE) return
    const { at, number } = v.parse(lastRow, rows.at(-1))
    after = [at, number]
  }
}

/** Whether no bill has marked the row, or only an earlier comparison of this day. */
const isUnbilled = (row: string) =>
  `(${row}.billed_on is null or (${row}.billed_on = $1::date and ${row}.billed_in is distinct from $2::integer))`

/** Whether every day from the first to the last is compared; this day counts as compared. */
const areCompared = (first: string, last: string) =>
  `$1::date between ${first} and ${last} and ${last} - ${first} = (
     select count(*) from bills b where b.day between ${first} and ${last} and b.day <> $1::date and b.compared_at is not null)`

/** A bill has the rows of one account only. */
const IS_OF_ACCOUNT = 'o.appid = $7 and o.mch_id = $8'

const UNBILLED_PAYMENTS = `
  select to_jsonb(o) as "order", p.paid_at::text as at, p.out_trade_no as number
  from payments p
    cross join lateral (
      select ${beijingDate('p.paid_at - $5::interval')} as first, ${beijingDate('p.paid_at + $5::interval')} as last
    ) d
    join orders o on o.out_trade_no = p.out_trade_no
  where p.paid_at >= greatest($3::timestamptz, $9::timestamptz) and p.paid_at < $4::timestamptz
    and (p.paid_at, p.out_trade_no) > ($9::timestamptz, $10)
    and ${IS_OF_ACCOUNT}
    and ${isUnbilled('p')} and ${areCompared('d.first', 'd.last')}
  order by p.paid_at, p.out_trade_no
  limit $6::integer`

/** WeChat started the refund between our request and `accepted_at`, which are rarely far apart. */
const UNBILLED_REFUNDS = `
  select ${refundJson('r')} as refund, r.created_at::text as at, r.out_refund_no as number
  from refunds r
    cross join lateral (
      select ${beijingDate('r.created_at - $5::interval')} as first, ${beijingDate('r.accepted_at + $5::interval')} as last
    ) d
    join orders o on o.out_trade_no = r.out_trade_no
  where r.accepted_at >= $3::timestamptz and r.created_at < $4::timestamptz
    and (r.created_at, r.out_refund_no) > ($9::timestamptz, $10)
    and ${IS_OF_ACCOUNT}
    and ${isUnbilled('r')} and ${areCompared('d.first', 'd.last')}
  order by r.created_at, r.out_refund_no
  limit $6::integer`

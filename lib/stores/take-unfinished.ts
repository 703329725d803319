const UNFINISHED = (
  row: string,
) => `(${row}.trade_state = 'NOTPAY' or (${row}.trade_state = 'CLOSED' and not ${row}.closed_at_wechat))
      and (${row}.asked_at < $2::timestamptz or (${row}.asked_at is null and ${row}.created_at <= $2::timestamptz))`

/**
 * Only this many of the orders that have waited longest are candidates, because more would be a
 * slow query. The payers take turns among them, so a payer with many unfinished orders does not
 * delay the others. The next thousand become candidates once these have been asked about, which
 * takes cron less than a minute.
 */
const CANDIDATES = 1_000

/** Reads this many times the limit, because orders that another run has locked are skipped. */
const SPARE = 8

/**
 * The condition on `coalesce` is redundant, but it lets PostgreSQL use the index; without it every
 * open order is read.
 */
export const TAKE_UNFINISHED = `
  with waiting as (
    select id, openid, coalesce(asked_at, created_at) as quiet_since from orders o
    where ${UNFINISHED('o')} and coalesce(asked_at, created_at) <= $2::timestamptz
    order by quiet_since, id
    limit ${CANDIDATES}
  ), turns as (
    select id, quiet_since, row_number() over (partition by openid order by quiet_since, id) as turn from waiting
  ), next as (
    select * from turns order by turn, quiet_since, id limit ${SPARE} * $1::integer
  ), taken as (
    select o.id, next.turn, next.quiet_since from next join orders o on o.id = next.id
    where ${UNFINISHED('o')}
    order by next.turn, next.quiet_since, next.id
    limit $1::integer
    for update of o skip locked
  ), noted as (
    update orders o set asked_at = $3::timestamptz from taken where o.id = taken.id returning o.*
  )
  select to_jsonb(noted) as "order" from noted join taken using (id) order by turn, quiet_since, id`

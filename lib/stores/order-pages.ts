/**
 * SQL for a page of orders in some of the states; 0: in any state. It reads a page for each state
 * and keeps the newest rows, because the index serves only one state at a time.
 */
export function selectPage(stateCount: number): string {
  const pageOf = (isOfState: string) => `(
    select id, to_jsonb(o) as "order" from orders o
    where ($1::text is null or (openid = $1 and appid = $4)) and ${isOfState}
      and ($2::text is null or id < (select id from orders where out_trade_no = $2 and ($1::text is null or (openid = $1 and appid = $4))))
    order by id desc limit $3)`
  const pages =
    stateCount === 0
      ? [pageOf('true')]
      : Array.from({ length: stateCount }, (_, index) => pageOf(`trade_state = $${index + 5}`))
  return `select "order" from (${pages.join(' union all ')}) pages order by id desc limit $3`
}

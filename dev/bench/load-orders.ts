/** Orders that are there before anybody tells of their payments, as each of the servers would have stored them. */

export const PRICE = 2800

/** `$1` the numbers, `$2` where WeChat would call. */
export const storeOrders = (table: 'orders' | 'shop.orders'): string =>
  table === 'orders'
    ? `
  insert into orders (out_trade_no, openid, total_fee, body, items, client_ip, notify_url, created_at, time_expire, request_hash)
  select number, 'oDemo000000000000000000User1', ${PRICE}, '拿铁', '${ITEMS}', '9.0.0.1', $2, now(), now() + interval '2 hours', 'bench'
  from unnest($1::text[]) as number`
    : `
  insert into shop.orders (out_trade_no, openid, total_fee, body, items, client_ip, notify_url, created_at, time_expire)
  select number, 'oDemo000000000000000000User1', ${PRICE}, '拿铁', '${ITEMS}', '9.0.0.1', $2, now(), now() + interval '2 hours'
  from unnest($1::text[]) as number`

const ITEMS = JSON.stringify([{ sku: 'latte', name: '拿铁', price: PRICE, quantity: 1 }])

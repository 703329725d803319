/**
 * The steps that many refund tests share: a paid order, a refund request and a summary of the
 * ledger.
 */
import type { Shop } from './shop.ts'

/** A paid order of 2800 fen. */
export async function paidOrder(shop: Shop): Promise<string> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  return outTradeNo
}

/** Requests a refund; returns the status and the refund status or the error code. */
export async function requestRefund(
  shop: Shop,
  outTradeNo: string,
  outRefundNo: string,
  refundFee: number,
): Promise<unknown[]> {
  const body = { outTradeNo, outRefundNo, refundFee }
  const { status, json } = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  await shop.world.settled()
  return [status, json['code'] ?? json['refundStatus']]
}

/**
 * Sends or repeats the due notifications. Returns whether that of the order's latest refund was
 * acknowledged.
 */
export async function deliverRefundNotification(
  shop: Shop,
  order: string,
): Promise<boolean | undefined> {
  shop.advance(15_000)
  await shop.deliverNotifications()
  return shop.wechat
    .notifications()
    .findLast(
      ({ outTradeNo, reqInfo, v3 }) =>
        outTradeNo === order && (reqInfo !== null || v3?.originalType === 'refund'),
    )?.acknowledged
}

/** Order, refunds and refund events as text: `state claimed/refunded: refunds → events`. */
export async function summariseRefunds(shop: Shop, outTradeNo: string): Promise<string> {
  const [row] = await shop.sql(
    `select concat(trade_state, ' ', claimed_fee, '/', refunded_fee, ':',
       (select string_agg(' ' || refund_status, '' order by out_refund_no) from refunds r where r.out_trade_no = o.out_trade_no),
       (select string_agg(' → ' || type, '' order by seq) from events e where e.out_trade_no = o.out_trade_no and type <> 'order.paid')) as text
     from orders o where out_trade_no = $1`,
    [outTradeNo],
  )
  return String(row?.['text'])
}

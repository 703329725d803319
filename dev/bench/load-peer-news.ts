/** How an order becomes paid on the server to compare with, and how the merchant's system hears of it. */
import { createHmac, randomUUID } from 'node:crypto'
import { toRfc3339 } from '../../lib/core/time.ts'
import { parseBeijingDigits } from '../../lib/wechat/v2/dates.ts'
import { markDelivered, markPaid, type OrderRow, type PaidEvent } from './load-peer-ledger.ts'
import type { Fields, Pool } from './load-peer-packages.ts'

const WEBHOOK_MS = 5_000

export interface Webhook {
  readonly url: string
  /** `whsec_` and Base64. */
  readonly secret: string
}

/** Whoever brings the news first stores it and tells the merchant; the answer does not wait for that. */
export async function settle(
  shop: {
    readonly pool: Pool
    readonly webhook: Webhook
    readonly later: (work: Promise<unknown>) => void
  },
  order: OrderRow,
  fields: Fields,
  source: string,
): Promise<OrderRow> {
  const paidAt = parseBeijingDigits(fields['time_end'] ?? '') ?? new Date()
  const paid: OrderRow = {
    ...order,
    trade_state: 'SUCCESS',
    transaction_id: fields['transaction_id'] ?? '',
    paid_at: paidAt,
  }
  const news = {
    transactionId: fields['transaction_id'] ?? '',
    cashFee: Number(fields['cash_fee'] ?? order.total_fee),
    bankType: fields['bank_type'] ?? null,
    openid: fields['openid'] ?? null,
    paidAt,
  }
  const event = {
    id: `evt_${randomUUID().replaceAll('-', '')}`,
    type: 'order.paid',
    createdAt: new Date(),
    data: toView(paid),
  }
  if (await markPaid(shop.pool, order, news, source, event))
    shop.later(tellMerchant(shop.pool, shop.webhook, event))
  return paid
}

async function tellMerchant(
  pool: Pool,
  { url, secret }: Webhook,
  { id, type, createdAt, data }: PaidEvent,
): Promise<void> {
  const body = JSON.stringify({ type, timestamp: toRfc3339(createdAt), data })
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    },
    body,
    signal: AbortSignal.timeout(WEBHOOK_MS),
  })
  await answer.arrayBuffer()
  if (answer.ok) await markDelivered(pool, id)
}

export const toView = (order: OrderRow) => ({
  outTradeNo: order.out_trade_no,
  tradeState: order.trade_state,
  totalFee: order.total_fee,
  body: order.body,
  items: order.items,
  ...(order.attach === null ? {} : { attach: order.attach }),
  createdAt: toRfc3339(order.created_at),
  timeExpire: toRfc3339(order.time_expire),
  ...(order.transaction_id === null ? {} : { transactionId: order.transaction_id }),
  ...(order.paid_at === null ? {} : { paidAt: toRfc3339(order.paid_at) }),
})

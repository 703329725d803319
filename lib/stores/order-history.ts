import * as v from 'valibot'
import { HISTORY_KINDS } from '../core/order-history.ts'
import type { OrderHistory } from '../ports.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readOrder, time } from './rows.ts'

type Kind = (typeof HISTORY_KINDS)[number]

/**
 * The entries of one kind.
 *
 * @param at the column with the time. Rows without a time are left out
 * @param facts pairs of a name and an SQL value. Values of null are left out
 */
const entries = (kind: Kind, at: string, from: string, facts: string): string =>
  `select ${at} as at, ${HISTORY_KINDS.indexOf(kind)} as rank, '${kind}' as kind,
     jsonb_strip_nulls(jsonb_build_object(${facts})) as facts from ${from}`

const ofOrder = (table: string) => `${table} where out_trade_no = $1`
const REFUND = `'outRefundNo', out_refund_no`

const PARTS = [
  entries('placed', 'created_at', ofOrder('orders'), `'totalFee', total_fee, 'openid', openid`),
  entries('closed', 'closed_at', ofOrder('orders'), `'closedAtWechat', closed_at_wechat`),
  entries(
    'paid',
    'paid_at',
    ofOrder('payments'),
    `'transactionId', transaction_id, 'totalFee', total_fee, 'cashFee', cash_fee, 'bankType', bank_type`,
  ),
  entries('payment_recorded', 'recorded_at', ofOrder('payments'), `'source', source`),
  entries(
    'refund_requested',
    'created_at',
    ofOrder('refunds'),
    `${REFUND}, 'refundFee', refund_fee, 'refundDesc', refund_desc`,
  ),
  entries('refund_accepted', 'accepted_at', ofOrder('refunds'), `${REFUND}, 'refundId', refund_id`),
  entries(
    'refund_changed',
    'waiting_since',
    `${ofOrder('refunds')} and refund_status <> 'PROCESSING'`,
    `${REFUND}, 'refundStatus', refund_status, 'errCode', err_code, 'errText', err_text`,
  ),
  entries(
    'refund_parked',
    'parked_at',
    ofOrder('refunds'),
    `${REFUND}, 'refundStatus', refund_status, 'errCode', err_code, 'errText', err_text`,
  ),
  entries(
    'shipment_requested',
    'coalesce(requested_at, created_at)',
    ofOrder('shipments'),
    `'logisticsType', logistics_type, 'parcels', json_array_length(parcels), 'shippingState', shipping_state,
     'errCode', err_code, 'errText', err_text`,
  ),
  entries(
    'shipment_reported',
    'uploaded_at',
    ofOrder('shipments'),
    `'parcels', reported_parcels, 'isAllDelivered', is_all_delivered`,
  ),
  entries('shipped', 'shipped_at', ofOrder('orders'), ''),
  entries('overdue', 'overdue_at', ofOrder('orders'), ''),
  entries('received', 'confirmed_at', ofOrder('orders'), ''),
  entries('settled', 'settled_at', ofOrder('orders'), ''),
  entries(
    'complaint',
    'complained_at',
    ofOrder('complaints'),
    `'complaintId', complaint_id, 'state', state`,
  ),
  entries(
    'incident',
    'occurred_at',
    ofOrder('incidents'),
    `'id', id, 'kind', kind, 'source', source`,
  ),
  entries('incident_handled', 'handled_at', ofOrder('incidents'), `'id', id, 'note', note`),
  entries('event', 'created_at', ofOrder('events'), `'id', id, 'type', type`),
  entries(
    'event_attempt',
    `(attempt ->> 'at')::timestamptz`,
    `events cross join lateral jsonb_array_elements(history) attempt where out_trade_no = $1`,
    `'id', id, 'type', type, 'code', attempt ->> 'code'`,
  ),
]

const READ = `
  select to_jsonb(o) as "order", (
    select jsonb_agg(jsonb_build_object('at', at, 'kind', kind, 'facts', facts) order by at, rank) from (
      select * from (${PARTS.join(' union all ')}) every where at is not null order by at, rank limit 2000
    ) first
  ) as entries
  from orders o where o.out_trade_no = $1`

const entryRows = v.array(
  v.object({
    at: time,
    kind: v.picklist(HISTORY_KINDS),
    facts: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  }),
)

export const createOrderHistory = (sql: Sql): OrderHistory => ({
  async read(outTradeNo) {
    const [row] = await sql.query(READ, [outTradeNo], REPEATABLE)
    if (row === undefined) return null
    return { order: readOrder(row['order']).order, entries: v.parse(entryRows, row['entries']) }
  },
})

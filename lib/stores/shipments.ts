import { fingerprint } from '../core/fingerprint.ts'
import { toMerchantOrderView } from '../core/order.ts'
import type { FailedShipmentView, Shipments } from '../ports.ts'
import { INSERT_EVENT } from './events.ts'
import type { Sql } from './neon.ts'
import { readShipment } from './rows.ts'

/**
 * SQL that changes a shipment and copies its state to the order, in one statement, so that an order
 * shows whether WeChat has the shipment.
 *
 * @param change the statement that returns the changed shipment
 * @param event a part that appends an event
 * @param copied further columns of the order
 */
const withOrder = (change: string, event = '', copied = ''): string => `
  with changed as (${change}),
  noted as (
    update orders o set shipping_state = changed.shipping_state${copied} from changed where o.out_trade_no = changed.out_trade_no
  )${event}
  select to_jsonb(changed) as shipment from changed`

const SAVE = withOrder(`
  insert into shipments as s (out_trade_no, logistics_type, parcels, content_hash, next_attempt_at, created_at, requested_at)
  values ($1, $2, $3::json, $4, $6::timestamptz, $5::timestamptz, $5::timestamptz)
  on conflict (out_trade_no) do update set
    was_changed = s.was_changed or s.content_hash <> excluded.content_hash, logistics_type = excluded.logistics_type, parcels = excluded.parcels, content_hash = excluded.content_hash,
    shipping_state = 'PENDING', err_code = null, err_text = null, attempts = 0, requested_at = excluded.requested_at, next_attempt_at = excluded.next_attempt_at
  where s.content_hash <> excluded.content_hash or s.shipping_state <> 'UPLOADED'
  returning *`)

/** From now on WeChat is asked whether the payer has the goods. */
const UPLOADED = withOrder(
  `
  update shipments set shipping_state = 'UPLOADED', err_code = null, err_text = null, next_attempt_at = null
  where out_trade_no = $1 and content_hash = $2 returning *`,
  '',
  `,
      shipped_at = coalesce(o.shipped_at, $3::timestamptz), settlement_due_at = coalesce(o.settlement_due_at, $3::timestamptz + interval '1 hour')`,
)

const POSTPONED = withOrder(`
  update shipments set err_code = $3, err_text = $4, attempts = attempts + 1, next_attempt_at = $5::timestamptz
  where out_trade_no = $1 and content_hash = $2 and shipping_state = 'PENDING'
  returning *`)

/**
 * An order that was refunded in full gets no event, because none of its money is frozen any more.
 */
const FAILED = withOrder(
  `
  update shipments set err_code = $3, err_text = $4, attempts = attempts + 1, next_attempt_at = null, shipping_state = 'FAILED'
  where out_trade_no = $1 and content_hash = $2 and shipping_state = 'PENDING'
  returning *`,
  `,
  told as (
    ${INSERT_EVENT}
    select 'shipping.failed', out_trade_no, $5::json, $6::timestamptz, $6::timestamptz
    from changed join orders o using (out_trade_no)
    where o.refunded_fee < o.total_fee
  )`,
)

const TAKE_DUE = `
  with taken as (
    select out_trade_no, next_attempt_at as due_at from shipments
    where shipping_state = 'PENDING' and next_attempt_at <= $2::timestamptz
    order by due_at, out_trade_no
    limit $1::integer
    for update skip locked
  ), noted as (
    update shipments s set next_attempt_at = $3::timestamptz from taken where s.out_trade_no = taken.out_trade_no
    returning s.*
  )
  select to_jsonb(noted) as shipment from noted join taken using (out_trade_no) order by due_at, out_trade_no`

export function createShipments(sql: Sql): Shipments {
  const one = async (text: string, params: readonly unknown[], outTradeNo: string) => {
    const [row] = await sql.query(text, params)
    const [stored] =
      row === undefined
        ? await sql.query(
            'select to_jsonb(s) as shipment from shipments s where out_trade_no = $1',
            [outTradeNo],
          )
        : [row]
    return readShipment(stored?.['shipment'])
  }
  return {
    save: (draft, at, leaseUntil) => {
      const { outTradeNo, logisticsType, parcels } = draft
      const params = [
        outTradeNo,
        logisticsType,
        JSON.stringify(parcels),
        fingerprint([logisticsType, parcels]),
        at,
        leaseUntil,
      ]
      return one(SAVE, params, outTradeNo)
    },
    uploaded: (shipment, at) =>
      one(UPLOADED, [shipment.outTradeNo, shipment.contentHash, at], shipment.outTradeNo),
    postponed: (shipment, { errCode, errText }, nextAttemptAt) =>
      one(
        POSTPONED,
        [shipment.outTradeNo, shipment.contentHash, errCode, errText, nextAttemptAt],
        shipment.outTradeNo,
      ),
    failed: (shipment, { errCode, errText }, order, at) => {
      const event: FailedShipmentView = {
        ...toMerchantOrderView({ ...order, shippingState: 'FAILED' }),
        errCode,
        ...(errText === null ? {} : { errText }),
      }
      return one(
        FAILED,
        [shipment.outTradeNo, shipment.contentHash, errCode, errText, event, at],
        shipment.outTradeNo,
      )
    },
    async takeDue(limit, at, leaseUntil) {
      return (await sql.query(TAKE_DUE, [limit, at, leaseUntil])).map((row) =>
        readShipment(row['shipment']),
      )
    },
  }
}

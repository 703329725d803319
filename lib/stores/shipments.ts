import { fingerprint } from '../core/fingerprint.ts'
import { toMerchantOrderView } from '../core/order.ts'
import { hashShipment, planShipment } from '../core/plan-shipment.ts'
import { err, ok } from '../core/result.ts'
import type { Shipment } from '../core/shipment.ts'
import type { FailedShipmentView, Shipments } from '../ports.ts'
import { INSERT_EVENT } from './events.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readShipment } from './rows.ts'

/**
 * SQL that changes a shipment and copies its state to the order, in one statement, so that an order
 * shows whether WeChat has the shipment.
 *
 * @param change the statement that returns the changed shipment
 * @param event a part that appends an event
 * @param copied assignments to further columns of the order
 */
const withOrder = (change: string, event = '', copied = ''): string => `
  with changed as (${change}),
  noted as (
    update orders o set shipping_state = changed.shipping_state${copied} from changed where o.out_trade_no = changed.out_trade_no
  )${event}
  select to_jsonb(changed) as shipment from changed`

/** An attempt under way has no error yet. A postponed shipment has one. */
const underWay = (at: string): string =>
  `s.err_code is null and s.next_attempt_at > ${at}::timestamptz`

/**
 * `$11` to `$14` name the shipment that the content was planned from. It must still be the stored
 * one. For a new shipment they are null. Only earlier versions read `was_changed`. It is kept for a
 * rollback.
 */
const SAVE = withOrder(`
  insert into shipments as s (out_trade_no, logistics_type, parcels, content_hash, is_all_delivered, is_split, reported_parcels,
    request_hash, created_at, requested_at, next_attempt_at)
  values ($1, $2, $3::json, $4, $5::boolean, $6::boolean, $7::integer, $8, $9::timestamptz, $9::timestamptz, $10::timestamptz)
  on conflict (out_trade_no) do update set
    logistics_type = excluded.logistics_type, parcels = excluded.parcels, content_hash = excluded.content_hash,
    is_all_delivered = excluded.is_all_delivered, is_split = excluded.is_split, reported_parcels = excluded.reported_parcels,
    was_changed = s.was_changed or s.content_hash <> excluded.content_hash, request_hash = excluded.request_hash,
    shipping_state = 'PENDING', err_code = null, err_text = null, attempts = 0, requested_at = excluded.requested_at, next_attempt_at = excluded.next_attempt_at
  where s.content_hash = $11 and s.shipping_state = $12 and s.reported_parcels = $13::integer and s.request_hash is not distinct from $14
    and not ($15::boolean and ${underWay('$9')})
  returning *`)

/** From `$3` on, WeChat is asked whether the payer has the goods. */
const SHIPPED = `,
      shipped_at = case when changed.is_all_delivered then coalesce(o.shipped_at, $3::timestamptz) else o.shipped_at end,
      settlement_due_at = coalesce(o.settlement_due_at, $3::timestamptz + interval '1 hour')`

const UPLOADED = withOrder(
  `
  update shipments set shipping_state = 'UPLOADED', err_code = null, err_text = null, next_attempt_at = null,
    reported_parcels = json_array_length(parcels), uploaded_at = $3::timestamptz
  where out_trade_no = $1 and content_hash = $2 returning *`,
  '',
  SHIPPED,
)

/** Clears the hash of the request, so that its repetition is refused, too. */
const KEPT = withOrder(
  `
  update shipments set logistics_type = $4, parcels = $5::json, content_hash = $6, is_all_delivered = $7::boolean, is_split = $8::boolean,
    reported_parcels = json_array_length($5::json), request_hash = null, shipping_state = 'UPLOADED', err_code = $9, err_text = $10,
    attempts = attempts + 1, next_attempt_at = null
  where out_trade_no = $1 and content_hash = $2 and shipping_state = 'PENDING'
  returning *`,
  '',
  SHIPPED,
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

const FIND = 'select to_jsonb(s) as shipment from shipments s where out_trade_no = $1'

const TAKE_DUE = `
  with taken as (
    select out_trade_no, next_attempt_at as due_at from shipments
    where shipping_state = 'PENDING' and next_attempt_at <= $2::timestamptz
    order by due_at, out_trade_no
    limit $1::integer
    for update skip locked
  ), noted as (
    update shipments s set next_attempt_at = $3::timestamptz, err_code = null, err_text = null from taken where s.out_trade_no = taken.out_trade_no
    returning s.*
  )
  select to_jsonb(noted) as shipment from noted join taken using (out_trade_no) order by due_at, out_trade_no`

const IS_UNDER_WAY = `
  select from shipments s where out_trade_no = $1 and content_hash = $2 and shipping_state = 'PENDING' and ${underWay('$3')}`

/** A shipment cannot change this often between reading and storing it. */
const MOST_READS = 16

/**
 * The time of migration 0014 is the time of the upgrade. The migration runs before the new version
 * serves requests, so a day is added for the deployment. In a new database all migrations run
 * together, and there are no earlier orders.
 */
const MAY_STILL_BE_VIRTUAL = `
  select from migrations first join migrations rule on rule.name = '0014-virtual-goods'
  where first.name = '0001-payments' and first.applied_at < rule.applied_at - interval '1 hour'
    and $1::timestamptz < rule.applied_at + interval '1 day'`

/** Two such reports at the same time would use up the one change that WeChat allows. */
const isSplitAndComplete = (stored: Shipment | null): boolean =>
  stored !== null && stored.isSplit && stored.isAllDelivered

export function createShipments(sql: Sql): Shipments {
  const find = async (outTradeNo: string) => {
    const [row] = await sql.query(FIND, [outTradeNo], REPEATABLE)
    return row === undefined ? null : readShipment(row['shipment'])
  }
  const one = async (text: string, params: readonly unknown[], outTradeNo: string) => {
    const [row] = await sql.query(text, params)
    const shipment = row === undefined ? await find(outTradeNo) : readShipment(row['shipment'])
    if (shipment === null) throw new Error('a shipment vanished')
    return shipment
  }
  const isUnderWay = async (outTradeNo: string, stored: Shipment | null, at: Date) =>
    (await sql.query(IS_UNDER_WAY, [outTradeNo, stored?.contentHash ?? null, at], REPEATABLE))
      .length > 0
  return {
    find,
    async save({ outTradeNo, ...request }, at, leaseUntil) {
      const { logisticsType, parcels, isAllDelivered } = request
      const requestHash = fingerprint([logisticsType, parcels, isAllDelivered])
      for (let reads = 0; reads < MOST_READS; reads += 1) {
        const stored = await find(outTradeNo)
        const planned = planShipment(stored, request, stored?.requestHash === requestHash)
        if (!planned.ok) return planned
        if (planned.value === null && stored?.shippingState === 'UPLOADED') return ok(stored)
        const isRepeated = planned.value === null && isSplitAndComplete(stored)
        if (isRepeated && (await isUnderWay(outTradeNo, stored, at))) return err('under_way')
        const content = planned.value ?? stored
        if (content === null) throw new Error('nothing was planned for a new shipment')
        const [row] = await sql.query(SAVE, [
          outTradeNo,
          content.logisticsType,
          JSON.stringify(content.parcels),
          hashShipment(content),
          content.isAllDelivered,
          content.isSplit,
          content.reportedParcels,
          // A repeated earlier request does not become the last one.
          planned.value === null ? (stored?.requestHash ?? requestHash) : requestHash,
          at,
          leaseUntil,
          stored?.contentHash ?? null,
          stored?.shippingState ?? null,
          stored?.reportedParcels ?? null,
          stored?.requestHash ?? null,
          isRepeated,
        ])
        if (row !== undefined) return ok(readShipment(row['shipment']))
      }
      throw new Error('a shipment changed each time that it was stored')
    },
    uploaded: (shipment, at) =>
      one(UPLOADED, [shipment.outTradeNo, shipment.contentHash, at], shipment.outTradeNo),
    kept: ({ outTradeNo, contentHash }, atWechat, { errCode, errText }, at) =>
      one(
        KEPT,
        [
          outTradeNo,
          contentHash,
          at,
          atWechat.logisticsType,
          JSON.stringify(atWechat.parcels),
          hashShipment(atWechat),
          atWechat.isAllDelivered,
          atWechat.isSplit,
          errCode,
          errText,
        ],
        outTradeNo,
      ),
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
    async mayStillBeVirtual({ paidAt }) {
      return (await sql.query(MAY_STILL_BE_VIRTUAL, [paidAt], REPEATABLE)).length > 0
    },
    async takeDue(limit, at, leaseUntil) {
      return (await sql.query(TAKE_DUE, [limit, at, leaseUntil])).map((row) =>
        readShipment(row['shipment']),
      )
    },
  }
}

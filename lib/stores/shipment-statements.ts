/** The statements of shipments on PostgreSQL. Each change is one statement with its condition. */
import { INSERT_EVENT } from './events.ts'

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

/**
 * Whether a run is reporting it. The clock of the database decides, because the clocks of the
 * instances differ. Version 0.1.0 leaves `claim` as it is when it postpones a shipment, and sets
 * `err_code`. So a shipment with an error is not being reported.
 */
const UNDER_WAY = `(s.claim is not null and s.err_code is null and s.next_attempt_at > now())`

/**
 * Whether WeChat may still receive the last report, because that one got no answer. If another
 * report arrived first, the last one would use up the one correction.
 */
const MAY_ARRIVE = `coalesce(s.err_code = 'wechat_unknown' and s.next_attempt_at > now(), false)`

/** SQL for a time that is so many milliseconds after the database's time. */
const after = (ms: string): string => `now() + ${ms}::integer * interval '1 millisecond'`

/**
 * A run that reports the shipment keeps its claim. When it has ended, the new content is due. If
 * the last report got no answer, the new content is due in a minute at most.
 *
 * `$11` to `$14` name the shipment that the content was planned from. It must still be the stored
 * one. For a new shipment they are null. Only earlier versions read `was_changed`. It is kept for a
 * rollback.
 */
export const SAVE = withOrder(`
  insert into shipments as s (out_trade_no, logistics_type, parcels, content_hash, is_all_delivered, is_split, reported_parcels,
    request_hash, created_at, requested_at, next_attempt_at, claim, earlier_requests)
  values ($1, $2, $3::json, $4, $5::boolean, $6::boolean, $7::integer, $8, $9::timestamptz, $9::timestamptz, ${after('$10')}, $15,
    $16::text[])
  on conflict (out_trade_no) do update set
    logistics_type = excluded.logistics_type, parcels = excluded.parcels, content_hash = excluded.content_hash,
    is_all_delivered = excluded.is_all_delivered, is_split = excluded.is_split, reported_parcels = excluded.reported_parcels,
    was_changed = s.was_changed or s.content_hash <> excluded.content_hash, request_hash = excluded.request_hash,
    shipping_state = 'PENDING', err_code = case when ${MAY_ARRIVE} then s.err_code end,
    err_text = case when ${MAY_ARRIVE} then s.err_text end, attempts = 0, requested_at = excluded.requested_at,
    next_attempt_at = case when ${UNDER_WAY} then s.next_attempt_at when ${MAY_ARRIVE} then least(s.next_attempt_at, now() + interval '1 minute')
      else excluded.next_attempt_at end,
    claim = case when ${UNDER_WAY} then s.claim when not ${MAY_ARRIVE} then excluded.claim end,
    earlier_requests = excluded.earlier_requests
  where s.content_hash = $11 and s.shipping_state = $12 and s.reported_parcels = $13::integer and s.request_hash is not distinct from $14
  returning *`)

/** An hour after `$3`, WeChat is asked for the first time whether the payer has the goods. */
const SHIPPED = `,
      shipped_at = case when changed.is_all_delivered then coalesce(o.shipped_at, $3::timestamptz) else o.shipped_at end,
      settlement_due_at = coalesce(o.settlement_due_at, $3::timestamptz + interval '1 hour')`

export const UPLOADED = withOrder(
  `
  update shipments set shipping_state = 'UPLOADED', err_code = null, err_text = null, next_attempt_at = null,
    reported_parcels = json_array_length(parcels), uploaded_at = $3::timestamptz, claim = null
  where out_trade_no = $1 and content_hash = $2 returning *`,
  '',
  SHIPPED,
)

/** Clears the hash of the request, so that its repetition is refused, too. */
export const KEPT = withOrder(
  `
  update shipments set logistics_type = $4, parcels = $5::json, content_hash = $6, is_all_delivered = $7::boolean, is_split = $8::boolean,
    reported_parcels = json_array_length($5::json), request_hash = null,
    earlier_requests = earlier_requests || array_remove(array[request_hash], null),
    shipping_state = 'UPLOADED', err_code = $9, err_text = $10, attempts = attempts + 1, next_attempt_at = null, claim = null
  where out_trade_no = $1 and content_hash = $2 and shipping_state = 'PENDING'
  returning *`,
  '',
  SHIPPED,
)

export const POSTPONED = withOrder(`
  update shipments set err_code = $3, err_text = $4, attempts = attempts + 1, next_attempt_at = ${after('$5')}, claim = null
  where out_trade_no = $1 and content_hash = $2 and shipping_state = 'PENDING' and claim is not distinct from $6
  returning *`)

/**
 * An order that was refunded in full gets no event, because none of its money is frozen any more.
 */
export const FAILED = withOrder(
  `
  update shipments set err_code = $3, err_text = $4, attempts = attempts + 1, next_attempt_at = null, shipping_state = 'FAILED',
    claim = null
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

/**
 * Ends the claim of a run whose content was replaced meanwhile, so that the new content is due. If
 * WeChat accepted the old content (`$4`) and the new content begins with the same parcels, those
 * count as reported. If it does not, the new content is a correction. If WeChat did not answer
 * (`$6`), the new content is due in a minute: see `MAY_ARRIVE`.
 */
export const RELEASE = `
  update shipments s set next_attempt_at = case when $6::boolean then now() + interval '1 minute' else now() end,
    err_code = case when $6::boolean then 'wechat_unknown' end, claim = null, uploaded_at = coalesce($4::timestamptz, s.uploaded_at),
    reported_parcels = case
      when $4::timestamptz is null then s.reported_parcels
      when (select jsonb_agg(one order by n) from jsonb_array_elements(s.parcels::jsonb) with ordinality as p (one, n)
        where n <= json_array_length($5::json)) = $5::jsonb then json_array_length($5::json)
      else 0 end
  where out_trade_no = $1 and content_hash <> $2 and claim = $3 and shipping_state = 'PENDING'
  returning to_jsonb(s) as shipment`

export const FIND = 'select to_jsonb(s) as shipment from shipments s where out_trade_no = $1'

export const TAKE = `
  update shipments s set next_attempt_at = ${after('$3')}, claim = $2, err_code = null, err_text = null
  where out_trade_no = $1 and shipping_state = 'PENDING' and next_attempt_at <= now()
  returning to_jsonb(s) as shipment`

export const TAKE_DUE = `
  with taken as (
    select out_trade_no, next_attempt_at as due_at from shipments
    where shipping_state = 'PENDING' and next_attempt_at <= now()
    order by due_at, out_trade_no
    limit $1::integer
    for update skip locked
  ), noted as (
    update shipments s set next_attempt_at = ${after('$3')}, claim = $2, err_code = null, err_text = null
    from taken where s.out_trade_no = taken.out_trade_no
    returning s.*
  )
  select to_jsonb(noted) as shipment from noted join taken using (out_trade_no) order by due_at, out_trade_no`

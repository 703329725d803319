/**
 * The parcels at WeChat are the parcels that the shop has accepted, and each warning is true and
 * given once.
 */
import * as v from 'valibot'
import type { ParcelOrder } from './parcels.ts'
import type { World } from './world.ts'

const rowSchema = v.object({
  no: v.string(),
  /** The stored shipment. */
  state: v.nullable(v.string()),
  parcels: v.nullable(v.array(v.object({ trackingNo: v.optional(v.string(), '') }))),
  isAllDelivered: v.nullable(v.boolean()),
  /** The number of events `shipping.failed`. */
  failed: v.number(),
})
const textOfRow = v.object({ row: v.pipe(v.string(), v.parseJson(), rowSchema) })

export async function inShipments(world: World): Promise<readonly string[]> {
  if (world.parcels.size === 0) return []
  const rows = await world.sql(
    `select json_build_object('no', o.out_trade_no, 'state', s.shipping_state, 'parcels', s.parcels, 'isAllDelivered', s.is_all_delivered,
       'failed', (select count(*) from events e where e.out_trade_no = o.out_trade_no and e.type = 'shipping.failed'))::text as row
     from orders o left join shipments s using (out_trade_no) where o.out_trade_no = any($1)`,
    [[...world.parcels.keys()]],
  )
  const problems = v.parse(v.array(textOfRow), rows).flatMap(({ row }) => {
    const order = world.parcels.get(row.no)
    return order === undefined
      ? []
      : problemsOf(world, row, order).map((problem) => `shipping: ${problem} (${row.no})`)
  })
  return [...problems, ...(await inWarnings(world))]
}

/**
 * An order that is still not shipped is warned of once. `passDeadlines` has gone on until the last
 * payment was old enough.
 */
async function inWarnings(world: World): Promise<readonly string[]> {
  const { sql, simulator, record } = world
  // WeChat is asked about shipping only if the shop ships at all.
  const [shipped] = await sql('select 1 from shipments limit 1')
  const hasFalseAmounts = record.counts.has('wechat: other amount')
  if (shipped === undefined || hasFalseAmounts) return []
  const rows = await sql(
    `select o.out_trade_no as no, count(e.id)::integer as warnings, coalesce(max(extract(epoch from e.created_at) * 1000), 0)::text as at
     from orders o left join events e on e.out_trade_no = o.out_trade_no and e.type = 'shipping.overdue'
     where o.transaction_id is not null group by 1`,
  )
  const shipments = simulator.shipments()
  return rows.flatMap(({ no, warnings, at }) => {
    const shippedAt = shipments.find(({ outTradeNo }) => outTradeNo === no)?.shippedAt ?? null
    const isOpen = shippedAt === null && !isPaidBack(world, String(no))
    if (isOpen && Number(warnings) !== 1)
      return [`shipping: warned ${String(warnings)} times of an order to ship (${String(no)})`]
    if (Number(warnings) > 0 && shippedAt !== null && shippedAt < Number(at))
      return [`shipping: warned of an order that was shipped (${String(no)})`]
    if (Number(warnings) > 0) world.count('world', 'shipping.overdue')
    return []
  })
}

function problemsOf(
  world: World,
  row: v.InferOutput<typeof rowSchema>,
  order: ParcelOrder,
): readonly string[] {
  const shipment = world.simulator.shipments().find(({ outTradeNo }) => outTradeNo === row.no)
  const reported = (shipment?.parcels ?? []).map(({ trackingNo }) => trackingNo)
  const problems: string[] = []
  const check = (isTrue: boolean, otherwise: string) => {
    if (!isTrue) problems.push(otherwise)
  }
  check(new Set(reported).size === reported.length, 'a parcel was reported twice')
  // WeChat refuses the shipment of an order whose money was paid back.
  if (isPaidBack(world, row.no)) return problems
  check(row.failed === 0, 'shipping.failed, although WeChat refused nothing for good')
  if (row.parcels === null) {
    check(order.accepted.size === 0, 'an accepted shipment is not stored')
    return problems
  }
  const stored = row.parcels.map(({ trackingNo }) => trackingNo)
  const finished = shipment?.finished === true
  check(row.state === 'UPLOADED', `the state is ${String(row.state)}`)
  check(
    isSame(stored, reported) && row.isAllDelivered === finished,
    `${stored.join()} is stored and ${reported.join()} at WeChat`,
  )
  const { correction } = order
  const isReplaced = correction?.accepted === 'yes'
  const [must, may] = isReplaced
    ? [correction.parcels, correction.parcels]
    : [
        correction === null ? order.accepted : new Set<string>(),
        new Set([...order.requested, ...(correction?.parcels ?? [])]),
      ]
  check(
    [...must].every((parcel) => reported.includes(parcel)),
    'an accepted parcel is not at WeChat',
  )
  check(
    reported.every((parcel) => may.has(parcel)),
    'a parcel is at WeChat that should not be',
  )
  if (order.last !== 'maybe')
    check(finished === (order.last === 'yes'), 'the last parcel is not the last one at WeChat')
  check(correction !== null || shipment?.changed !== true, 'the one correction was used up')
  return problems
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.toSorted().join() === others.toSorted().join()

/** Whether WeChat has paid back the whole payment. */
function isPaidBack({ simulator }: World, outTradeNo: string): boolean {
  const order = simulator.orders().find((one) => one.outTradeNo === outTradeNo)
  const paidBack = simulator
    .refunds()
    .filter((one) => one.outTradeNo === outTradeNo && one.refundStatus === 'SUCCESS')
    .reduce((sum, { refundFee }) => sum + refundFee, 0)
  return order !== undefined && paidBack >= order.totalFee
}

/**
 * The parcels at WeChat are the parcels that the shop has accepted, and each warning is true and
 * given once.
 */
import * as v from 'valibot'
import type { ParcelOrder } from './accepted.ts'
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
  const rows = await world.sql(
    `select json_build_object('no', o.out_trade_no, 'state', s.shipping_state, 'parcels', s.parcels, 'isAllDelivered', s.is_all_delivered,
       'failed', (select count(*) from events e where e.out_trade_no = o.out_trade_no and e.type = 'shipping.failed'))::text as row
     from orders o left join shipments s using (out_trade_no)`,
  )
  const problems = v
    .parse(v.array(textOfRow), rows)
    .flatMap(({ row }) =>
      [...problemsOf(world, row), ...problemsOfParcels(world, row)].map(
        (problem) => `shipping: ${problem} (${row.no})`,
      ),
    )
  return world.parcels.size === 0 ? problems : [...problems, ...(await inWarnings(world))]
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

type Row = v.InferOutput<typeof rowSchema>

const shipmentOf = ({ simulator }: World, no: string) =>
  simulator.shipments().find(({ outTradeNo }) => outTradeNo === no)

function problemsOf(world: World, row: Row): readonly string[] {
  const shipment = shipmentOf(world, row.no)
  const reported = (shipment?.parcels ?? []).map(({ trackingNo }) => trackingNo)
  // WeChat refuses the shipment of an order whose money was paid back.
  if (row.parcels === null || isPaidBack(world, row.no)) return []
  const stored = row.parcels.map(({ trackingNo }) => trackingNo)
  return [
    ...(row.failed === 0 ? [] : ['shipping.failed, although WeChat refused nothing for good']),
    ...(row.state === 'UPLOADED' ? [] : [`the state is ${String(row.state)}`]),
    ...(isSame(stored, reported) && row.isAllDelivered === (shipment?.finished === true)
      ? []
      : [`${stored.join()} is stored and ${reported.join()} at WeChat`]),
  ]
}

/** Compares the parcels at WeChat with the merchant's requests and their answers. */
function problemsOfParcels(world: World, row: Row): readonly string[] {
  const order = world.parcels.get(row.no)
  if (order === undefined) return []
  const shipment = shipmentOf(world, row.no)
  const reported = (shipment?.parcels ?? []).map(({ trackingNo }) => trackingNo)
  if (new Set(reported).size < reported.length) return ['a parcel was reported twice']
  if (isPaidBack(world, row.no)) return []
  const { must, may } = contentOf(order)
  const problems: string[] = []
  if ([...must].some((parcel) => !reported.includes(parcel)))
    problems.push('an accepted parcel is not at WeChat')
  if (reported.some((parcel) => !may.has(parcel)))
    problems.push('a parcel is at WeChat that should not be')
  const isFinished = shipment?.finished === true
  if (order.last !== 'maybe' && isFinished !== (order.last === 'yes'))
    problems.push('the last parcel is not the last one at WeChat')
  if (order.correction === null && shipment?.changed === true)
    problems.push('the one correction was used up')
  return problems
}

/** The parcels that WeChat must have, and those that it may have. */
function contentOf({ requested, accepted, correction }: ParcelOrder) {
  if (correction === null) return { must: accepted, may: requested }
  return correction.accepted === 'yes'
    ? { must: correction.parcels, may: correction.parcels }
    : { must: new Set<string>(), may: new Set([...requested, ...correction.parcels]) }
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

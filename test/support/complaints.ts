/** A shop with the settings of APIv3, in which payers complain. */
import * as v from 'valibot'
import { demoV3Values } from '../../dev/world/demo-values.ts'
import { inProtocol } from './mode.ts'
import { openShop, type Json, type Shop } from './shop.ts'

export const HOUR_MS = 3_600_000

/** New orders are those of the mode. The settings of APIv3 are there in each mode. */
export async function openComplainedShop(env: Record<string, string> = {}): Promise<Shop> {
  const shop = await openShop({
    ...inProtocol<Record<string, string>>({ v2: demoV3Values, v3: {} }),
    ...env,
  })
  shop.wechat.registerComplaintUrl(`${shop.world.url}/api/notify`)
  return shop
}

export interface Complained {
  readonly complaintId: string
  readonly outTradeNo: string
  readonly token: string
}

/** A payer complains about a new order. The notification is due, and not sent yet. */
export async function complain(
  shop: Shop,
  over: Partial<Parameters<Shop['wechat']['complain']>[0]> = {},
): Promise<Complained> {
  const { outTradeNo, token } = await shop.sell()
  const { complaintId } = shop.wechat.complain({ outTradeNo, ...over })
  return { complaintId, outTradeNo, token }
}

const eventRow = v.object({ type: v.string(), data: v.record(v.string(), v.unknown()) })

/** The data of the events of a complaint in the ledger, oldest first, with their types. */
export async function complaintEvents(shop: Shop, complaintId: string): Promise<readonly Json[]> {
  const rows = await shop.sql(
    `select type, data from events where type like 'complaint.%' and data->>'complaintId' = $1 order by seq`,
    [complaintId],
  )
  return v.parse(v.array(eventRow), rows).map(({ type, data }) => ({ ...data, type }))
}

export async function complaintRow(shop: Shop, complaintId: string): Promise<Json | undefined> {
  const rows = await shop.sql('select * from complaints where complaint_id = $1', [complaintId])
  return rows[0]
}

/** The types of these events, with the task of an overdue one. */
export const complaintTypes = async (shop: Shop, complaintId: string): Promise<readonly string[]> =>
  (await complaintEvents(shop, complaintId)).map(({ type, task }) =>
    [type, task].filter((word) => typeof word === 'string').join(' '),
  )

/** Decides how a request of the merchant changes the stored shipment. */
import { fingerprint } from './fingerprint.ts'
import { err, ok, type Result } from './result.ts'
import type { LogisticsType, Parcel, Shipment } from './shipment.ts'

export interface ShipmentRequest {
  readonly logisticsType: LogisticsType
  readonly parcels: readonly Parcel[]
  /** False: further parcels follow in later requests. Only express can be split. */
  readonly isAllDelivered: boolean
}

/** The content of a shipment after a request. */
export type ShipmentContent = ShipmentRequest & Pick<Shipment, 'isSplit' | 'reportedParcels'>

/** WeChat's limit for one order. */
export const MOST_PARCELS = 15

/** Identifies the content. A complete shipment has the same hash as in version 0.1.0. */
export const hashShipment = ({ logisticsType, parcels, isAllDelivered }: ShipmentRequest): string =>
  fingerprint(isAllDelivered ? [logisticsType, parcels] : [logisticsType, parcels, 'more'])

export type PlanRefusal = 'complete' | 'too_many_parcels' | 'corrected'

/**
 * Parcels are added until a request says that they are all. After that, a request that says so,
 * too, adds its parcels while WeChat has only some of the stored ones. Otherwise it is a correction
 * and replaces the whole content. Null: the request is repeated, and nothing changes.
 *
 * `complete`: a request that announces further parcels came after the last one. The report of the
 * last one may be under way, and a further parcel would use up the one correction that WeChat
 * allows. `corrected`: an earlier request does not replace a later one that WeChat does not have
 * yet. The network may repeat it late.
 *
 * @param repeats the request that it repeats: the last one, or an earlier one
 */
export function planShipment(
  stored: Shipment | null,
  request: ShipmentRequest,
  repeats: 'last' | 'earlier' | null,
): Result<ShipmentContent | null, PlanRefusal> {
  if (repeats === 'last' || hashShipment(request) === stored?.contentHash) return ok(null)
  if (stored === null) return ok(replaced(request))
  const isLate = repeats === 'earlier' && stored.shippingState === 'PENDING'
  const replacing = isLate ? err('corrected' as const) : ok(replaced(request))
  if (stored.logisticsType !== request.logisticsType) return replacing
  const known = keptParcels(stored)
  const added = withoutKnown(request.parcels, known)
  if (!request.isAllDelivered && (!takesParcels(stored) || isLastStored(stored)))
    return added.length === 0 ? ok(null) : err('complete')
  if (!takesParcels(stored)) return replacing
  const parcels = [...known, ...added]
  if (parcels.length > MOST_PARCELS) return err('too_many_parcels')
  const { reportedParcels } = stored
  const next = { ...request, parcels, isSplit: true, reportedParcels }
  return ok(hashShipment(next) === stored.contentHash ? null : next)
}

const replaced = (request: ShipmentRequest): ShipmentContent => ({
  ...request,
  isSplit: !request.isAllDelivered || request.parcels.length > 1,
  reportedParcels: 0,
})

/**
 * Whether WeChat accepts further parcels: no request has said that they are all, or WeChat has only
 * some of them.
 */
const takesParcels = ({ isAllDelivered, reportedParcels, parcels }: Shipment): boolean =>
  !isAllDelivered || (reportedParcels > 0 && reportedParcels < parcels.length)

/** Whether the stored shipment has its last parcel, and WeChat has not refused it. */
const isLastStored = ({ isAllDelivered, shippingState }: Shipment): boolean =>
  isAllDelivered && shippingState !== 'FAILED'

/**
 * After a refusal the next request replaces the refused parcels. Only those that WeChat has are
 * kept.
 */
const keptParcels = ({ shippingState, parcels, reportedParcels }: Shipment): readonly Parcel[] =>
  shippingState === 'FAILED' ? parcels.slice(0, reportedParcels) : parcels

/** Company and tracking number identify a parcel, so that a repeated request adds nothing. */
const withoutKnown = (parcels: readonly Parcel[], known: readonly Parcel[]): readonly Parcel[] =>
  parcels.filter(
    (parcel, index) =>
      ![...known, ...parcels.slice(0, index)].some((one) => isSameParcel(one, parcel)),
  )

export const isSameParcel = (
  one: Pick<Parcel, 'trackingNo' | 'expressCompany'>,
  other: Pick<Parcel, 'trackingNo' | 'expressCompany'>,
): boolean => one.trackingNo === other.trackingNo && one.expressCompany === other.expressCompany

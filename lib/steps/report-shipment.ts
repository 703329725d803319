import type { PaidOrder } from '../core/order.ts'
import { isSameParcel } from '../core/plan-shipment.ts'
import { ok, type Outcome } from '../core/result.ts'
import type { Parcel, Shipment } from '../core/shipment.ts'
import type { Deps, ManagedOrder, ShippingReport, UploadAnswer } from '../ports.ts'
import { withAccessToken } from './with-access-token.ts'

/**
 * Reports a shipment to WeChat. If it has several parcels, WeChat is asked first which of them it
 * has, because an answer to an earlier report may be lost. A parcel must not be reported twice, and
 * a complete shipment that is reported again may use up the one change that WeChat allows.
 */
export async function reportShipment(
  deps: Pick<Deps, 'miniProgram' | 'cache' | 'clock' | 'waitUntil'>,
  shipment: Shipment,
  order: PaidOrder,
  at: Date,
): Promise<Outcome<UploadAnswer>> {
  const { appid } = order.account
  const miniProgram = deps.miniProgram(appid)
  const missing = await findMissing()
  if (!missing.ok) return missing
  const report = missing.value
  return report === null
    ? ok({ outcome: 'uploaded' })
    : withAccessToken(deps, appid, (token) => miniProgram.uploadShipping(token, report, order, at))

  async function findMissing(): Promise<Outcome<ShippingReport | null>> {
    if (!shipment.isSplit) return ok(whole(shipment))
    const asked = await withAccessToken(deps, appid, (token) => miniProgram.getOrder(token, order))
    return asked.ok ? ok(withoutReported(shipment, asked.value)) : asked
  }
}

/** The parcels to report; null if WeChat has all of them. */
function withoutReported(shipment: Shipment, asked: ManagedOrder): ShippingReport | null {
  const reported = asked.outcome === 'found' ? asked.shipment : null
  if (reported === null) return whole(shipment)
  const has = (parcel: Parcel) => reported.parcels.some((one) => isSameParcel(one, parcel))
  const missing = shipment.parcels.filter((parcel) => !has(parcel))
  const areSame = missing.length === 0 && reported.parcels.length === shipment.parcels.length
  if (reported.isAllDelivered)
    return areSame && shipment.isAllDelivered && !isCorrection(shipment) ? null : whole(shipment)
  if (missing.length > 0) return { ...shipment, missing }
  // WeChat has every parcel, but does not know that the last one is among them.
  return shipment.isAllDelivered ? { ...shipment, missing: shipment.parcels.slice(-1) } : null
}

/**
 * WeChat accepted a report before, and none with this content. The content may differ in a
 * description or a contact only, and WeChat does not show a contact.
 */
const isCorrection = ({ uploadedAt, reportedParcels }: Shipment): boolean =>
  uploadedAt !== null && reportedParcels === 0

const whole = (shipment: Shipment): ShippingReport => ({ ...shipment, missing: shipment.parcels })

/** Finds the shipment that WeChat has if it refuses a report because of an earlier one. */
import type { Failure } from '../core/failure.ts'
import type { PaidOrder } from '../core/order.ts'
import { isSameParcel } from '../core/plan-shipment.ts'
import { ok, type Result } from '../core/result.ts'
import type { Parcel } from '../core/shipment.ts'
import type { ReportedShipment, ShippingReport, UploadAnswer } from '../ports.ts'
import { getOrder } from './get-order.ts'
import type { MiniProgramSettings } from './login.ts'
import type { ShippingRefusal } from './shipping-codes.ts'
import { toItemDesc } from './shipment-fields.ts'

/** The order is shipped completely. */
const SHIPPED = '10060002'

const NOT_SHOWN =
  'WeChat says that it has a shipment of this order, but does not show it. The report is sent again automatically'

/**
 * The code does not say whether WeChat has this shipment (the answer to an earlier report was lost)
 * or another one (from an earlier request or from the console). `get_order` does. If it does not
 * answer, the code alone counts, and only for a first report.
 */
export async function findEarlierShipment(
  settings: MiniProgramSettings,
  token: string,
  report: ShippingReport,
  order: PaidOrder,
  { code, remedy, text }: ShippingRefusal,
): Promise<Result<UploadAnswer, Failure>> {
  const asked = await getOrder(settings, token, order)
  if (!asked.ok)
    return code === SHIPPED && report.uploadedAt === null ? ok({ outcome: 'uploaded' }) : asked
  const { value: found } = asked
  if (found.outcome === 'token_refused')
    return ok({ outcome: 'token_refused', code: found.code, remedy, text: found.text })
  const shipment = found.outcome === 'found' ? found.shipment : null
  if (shipment === null) return ok({ outcome: 'later', code, remedy: NOT_SHOWN, text })
  if (isSame(report, shipment)) return ok({ outcome: 'uploaded' })
  const parcels = shipment.parcels.map(
    (parcel) => report.parcels.find((one) => isShownAs(one, parcel)) ?? parcel,
  )
  return ok({ outcome: 'already', shipment: { ...shipment, parcels }, code, remedy, text })
}

const isSame = (report: ShippingReport, shown: ReportedShipment): boolean =>
  report.logisticsType === shown.logisticsType &&
  report.isAllDelivered === shown.isAllDelivered &&
  report.parcels.length === shown.parcels.length &&
  report.parcels.every((parcel) => shown.parcels.some((one) => isShownAs(parcel, one)))

/** A parcel that WeChat shows without a description is compared without it. */
const isShownAs = (sent: Parcel, shown: Parcel): boolean =>
  isSameParcel(sent, shown) &&
  (shown.itemDesc === '' || toItemDesc(sent.itemDesc) === shown.itemDesc)

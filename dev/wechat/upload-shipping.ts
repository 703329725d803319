import { isDeepStrictEqual } from 'node:util'
import { err, ok, type Result } from './result.ts'
import { apiError, type ApiError } from './json-answer.ts'
import type { JsonOperation } from './json-call.ts'
import { findByOrderKey } from './order-key.ts'
import { isFullyRefunded } from './shipment.ts'
import { MOST_PARCELS, readShippingReport, SPLIT, type ShippingReport } from './shipping-fields.ts'
import type { Parcel, Shipment } from './state.ts'

/**
 * Accepts a shipping report.
 *
 * A finished shipment can be changed once: its content is replaced. Parcels can be added to a split
 * shipment until the last one is reported. WeChat has three codes for "already shipped", and does
 * not publish which code means what.
 */
export const uploadShipping: JsonOperation = (simulation, body) => {
  const read = readShippingReport(body)
  if (!read.ok) return read
  const report = read.value
  const found = findByOrderKey(simulation, report.orderKey)
  if (!found.ok) return found
  const order = found.value
  if (report.openid !== order.openid) return err(apiError(10060031))
  if (isFullyRefunded(order, simulation.now())) return err(apiError(10060004))
  const next =
    order.shipment === null
      ? ok(toShipment(report, simulation.now(), { changed: false }))
      : change(order.shipment, report, simulation.now())
  if (!next.ok) return next
  order.shipment = next.value
  return ok({})
}

const toShipment = (
  report: ShippingReport,
  now: number,
  { changed }: { changed: boolean },
): Shipment => ({
  logisticsType: report.logisticsType,
  deliveryMode: report.deliveryMode,
  parcels: [...report.parcels],
  uploadedAt: report.uploadedAt,
  finished: report.finishes,
  changed,
  shippedAt: report.finishes ? now : null,
  confirmedAt: null,
  isReceiptReported: false,
})

function change(
  shipment: Shipment,
  report: ShippingReport,
  now: number,
): Result<Shipment, ApiError> {
  const isSameWay =
    shipment.logisticsType === report.logisticsType && shipment.deliveryMode === report.deliveryMode
  const news = report.parcels.filter(
    (parcel) => !shipment.parcels.some((known) => isSameParcel(known, parcel)),
  )
  const isContinued = isSameWay && report.deliveryMode === SPLIT && !shipment.finished
  const isUnchanged =
    isSameWay &&
    news.length === 0 &&
    (report.finishes
      ? shipment.finished && report.parcels.length === shipment.parcels.length
      : true)
  if (isUnchanged) return err(apiError(10060023))
  if (isSameWay && shipment.finished && !report.finishes) return err(apiError(10060002))
  if (report.uploadedAt <= shipment.uploadedAt) return err(apiError(268485216))
  if (isContinued) return add(shipment, news, report, now)
  return shipment.changed ? err(apiError(10060003)) : ok(toShipment(report, now, { changed: true }))
}

function add(
  shipment: Shipment,
  news: readonly Parcel[],
  { uploadedAt, finishes }: ShippingReport,
  now: number,
): Result<Shipment, ApiError> {
  const parcels = [...shipment.parcels, ...news]
  return parcels.length > MOST_PARCELS
    ? err(apiError(10060024))
    : ok({ ...shipment, parcels, uploadedAt, finished: finishes, shippedAt: finishes ? now : null })
}

/** The time of the report is not compared: the same report again has another time. */
const isSameParcel = (one: Parcel, other: Parcel): boolean =>
  isDeepStrictEqual({ ...one, uploadedAt: 0 }, { ...other, uploadedAt: 0 })

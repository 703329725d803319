import type { OutTradeNo } from '../core/ids.ts'
import type { PaidOrder } from '../core/order.ts'
import type { ShipmentRequest } from '../core/plan-shipment.ts'
import type { Result } from '../core/result.ts'
import type { Shipment, ShippingError } from '../core/shipment.ts'
import type { ReportedShipment } from './mini-program.ts'

export interface ShipmentDraft extends ShipmentRequest {
  readonly outTradeNo: OutTradeNo
}

/** Shipments, and whether they were reported to WeChat. */
export interface Shipments {
  /**
   * Stores the shipment as `planShipment` decides, and takes it on lease until `leaseUntil`. A
   * repeated request leaves an uploaded shipment unchanged.
   *
   * `under_way`: the request is repeated while a report of all its parcels is under way.
   */
  save(
    draft: ShipmentDraft,
    at: Date,
    leaseUntil: Date,
  ): Promise<Result<Shipment, 'complete' | 'too_many_parcels' | 'under_way'>>
  find(outTradeNo: OutTradeNo): Promise<Shipment | null>
  /** @param at the time of the report, which WeChat has accepted */
  uploaded(shipment: Shipment, at: Date): Promise<Shipment>
  /**
   * Replaces a refused shipment with the one that WeChat has. Its state is UPLOADED, and `error`
   * says why WeChat keeps it.
   */
  kept(
    shipment: Shipment,
    atWechat: ReportedShipment,
    error: ShippingError,
    at: Date,
  ): Promise<Shipment>
  /** Counts a failed attempt; the next one is due at `nextAttemptAt`. */
  postponed(shipment: Shipment, error: ShippingError, nextAttemptAt: Date): Promise<Shipment>
  /**
   * Counts the last attempt, sets FAILED and appends one event `shipping.failed`, in one statement.
   */
  failed(shipment: Shipment, error: ShippingError, order: PaidOrder, at: Date): Promise<Shipment>
  /**
   * Whether the order was paid before the upgrade to the version that needs a setting for virtual
   * goods, or within a day after it. The money of such an order is frozen until it is shipped, so
   * it may be shipped as virtual without the setting.
   */
  mayStillBeVirtual(order: PaidOrder): Promise<boolean>
  /**
   * Takes due shipments on lease until `leaseUntil`, the longest due first. Taking does not count
   * as an attempt.
   */
  takeDue(limit: number, at: Date, leaseUntil: Date): Promise<readonly Shipment[]>
}

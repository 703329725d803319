import type { OutTradeNo } from '../core/ids.ts'
import type { PaidOrder } from '../core/order.ts'
import type { PlanRefusal, ShipmentRequest } from '../core/plan-shipment.ts'
import type { Result } from '../core/result.ts'
import type { Shipment, ShippingError } from '../core/shipment.ts'
import type { ReportedShipment } from './mini-program.ts'

export interface ShipmentDraft extends ShipmentRequest {
  readonly outTradeNo: OutTradeNo
}

/**
 * The claim of a run to report a shipment. Only one run reports a shipment at a time. The claim
 * ends when the outcome is recorded, or after `ms` by the clock of the database.
 */
export interface Claim {
  readonly by: string
  readonly ms: number
}

/** Shipments, and whether they were reported to WeChat. */
export interface Shipments {
  /**
   * Stores the shipment as `planShipment` decides, and claims it, unless another run reports it. A
   * repeated request leaves an uploaded shipment unchanged.
   */
  save(draft: ShipmentDraft, at: Date, claim: Claim): Promise<Result<Shipment, PlanRefusal>>
  find(outTradeNo: OutTradeNo): Promise<Shipment | null>
  /**
   * If the content was replaced during the report, this method and the next three only end the
   * claim and return the new content, which is due.
   *
   * @param at the time of the report, which WeChat has accepted
   */
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
  /** Counts a failed attempt; the next one is due after the pause. */
  postponed(shipment: Shipment, error: ShippingError, pauseMs: number): Promise<Shipment>
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
  /** Claims the shipment if it is due. */
  take(outTradeNo: OutTradeNo, claim: Claim): Promise<Shipment | null>
  /** Claims due shipments, the longest due first. A claim does not count as an attempt. */
  takeDue(limit: number, claim: Claim): Promise<readonly Shipment[]>
}

import type { OutTradeNo } from '../core/ids.ts'
import type { LogisticsType, Parcel, Shipment } from '../core/shipment.ts'

export interface ShipmentDraft {
  readonly outTradeNo: OutTradeNo
  readonly logisticsType: LogisticsType
  readonly parcels: readonly Parcel[]
}

/** Which goods WeChat is told about, and whether it has been. */
export interface Shipments {
  /**
   * Stores what is to be told, out of everybody else's reach until `leaseUntil`. The same content again leaves an uploaded
   * shipment as it is.
   */
  save(draft: ShipmentDraft, at: Date, leaseUntil: Date): Promise<Shipment>
  uploaded(shipment: Shipment): Promise<Shipment>
  /** Null: no further attempt, a person must look. */
  failed(shipment: Shipment, errCode: string, nextAttemptAt: Date | null): Promise<Shipment>
  takeDue(limit: number, at: Date, leaseUntil: Date): Promise<readonly Shipment[]>
}

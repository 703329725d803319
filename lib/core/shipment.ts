import type { OutTradeNo } from './ids.ts'

/** How goods reach the payer, in WeChat's four kinds. */
export type LogisticsType = 'express' | 'local_delivery' | 'virtual' | 'self_pickup'

export interface Parcel {
  readonly itemDesc: string
  readonly trackingNo?: string | undefined
  /** WeChat's own id of the delivery company. */
  readonly expressCompany?: string | undefined
  /** The masked phone number of sender or receiver, which one delivery company requires. */
  readonly contact?:
    | {
        readonly consignorContact?: string | undefined
        readonly receiverContact?: string | undefined
      }
    | undefined
}

/**
 * PENDING: retried automatically. FAILED: refused permanently, or not accepted for a week. A person
 * must look.
 */
export type ShippingState = 'PENDING' | 'UPLOADED' | 'FAILED'

export interface Shipment {
  readonly outTradeNo: OutTradeNo
  readonly logisticsType: LogisticsType
  readonly parcels: readonly Parcel[]
  /** False: further parcels follow. */
  readonly isAllDelivered: boolean
  /** True if it is reported to WeChat as a shipment of several parcels. */
  readonly isSplit: boolean
  /** How many of the parcels WeChat has, counted from the first. */
  readonly reportedParcels: number
  /** Identifies the merchant's last request for it. Null if there was none. */
  readonly requestHash: string | null
  /** The hashes of the merchant's requests before the last one. */
  readonly earlierRequests: readonly string[]
  /** The run that has claimed it last. Null once the outcome is recorded. */
  readonly claim: string | null
  /** The time of the last report that WeChat accepted. The next report must have a later time. */
  readonly uploadedAt: Date | null
  readonly shippingState: ShippingState
  /**
   * Why the last attempt failed: WeChat's code, or our own reason if WeChat gave none. With state
   * UPLOADED: why WeChat keeps this shipment instead of a later one.
   */
  readonly errCode: string | null
  /** WeChat's own text beside the code. */
  readonly errText: string | null
  /** Identifies this content, because an answer to an earlier upload does not apply to it. */
  readonly contentHash: string
  /** Attempts with a recorded outcome. An attempt that died without one is not counted. */
  readonly attempts: number
  /** The time of the merchant's last request for it. */
  readonly requestedAt: Date
}

/** Why an attempt did not succeed. */
export type ShippingError = Pick<Shipment, 'errText'> & { readonly errCode: string }

/** A shipment as the merchant sees it. */
export const toShipmentView = (shipment: Shipment) => ({
  outTradeNo: shipment.outTradeNo,
  logisticsType: shipment.logisticsType,
  shippingState: shipment.shippingState,
  isAllDelivered: shipment.isAllDelivered,
  ...(shipment.errCode === null ? {} : { errCode: shipment.errCode }),
  ...(shipment.errText === null ? {} : { errText: shipment.errText }),
})

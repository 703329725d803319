import type { OutTradeNo } from './ids.ts'

/** How goods reach the payer, in WeChat's four kinds. */
export type LogisticsType = 'express' | 'local_delivery' | 'virtual' | 'self_pickup'

export interface Parcel {
  readonly itemDesc: string
  readonly trackingNo?: string | undefined
  /** WeChat's own id of the delivery company. */
  readonly expressCompany?: string | undefined
  /** The masked number of sender or receiver, which one company demands. */
  readonly contact?: { readonly consignorContact?: string | undefined; readonly receiverContact?: string | undefined } | undefined
}

/** PENDING: WeChat is still to be told. FAILED: it refused, and a person must look. */
export type ShippingState = 'PENDING' | 'UPLOADED' | 'FAILED'

export interface Shipment {
  readonly outTradeNo: OutTradeNo
  readonly logisticsType: LogisticsType
  readonly parcels: readonly Parcel[]
  readonly shippingState: ShippingState
  readonly errCode: string | null
  /** Names this content: an answer to what was told before says nothing of it. */
  readonly contentHash: string
  /** Other content may have been told before. */
  readonly wasChanged: boolean
  /** Uploads tried before this one. */
  readonly attempts: number
}

/** A shipment as the merchant sees it. */
export const toShipmentView = (shipment: Shipment) => ({
  outTradeNo: shipment.outTradeNo,
  logisticsType: shipment.logisticsType,
  shippingState: shipment.shippingState,
  ...(shipment.errCode === null ? {} : { errCode: shipment.errCode }),
})

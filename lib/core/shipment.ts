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

/** PENDING: sent again automatically. FAILED: refused for good, or not taken for a week; a person must look. */
export type ShippingState = 'PENDING' | 'UPLOADED' | 'FAILED'

export interface Shipment {
  readonly outTradeNo: OutTradeNo
  readonly logisticsType: LogisticsType
  readonly parcels: readonly Parcel[]
  readonly shippingState: ShippingState
  /** Why WeChat does not have it yet: its code, or the reason why there was no answer. */
  readonly errCode: string | null
  /** WeChat's own words beside the code. */
  readonly errText: string | null
  /** Names this content: an answer to what was told before says nothing of it. */
  readonly contentHash: string
  /** Other content may have been told before. */
  readonly wasChanged: boolean
  /** Attempts whose outcome is recorded. One that died without an outcome is not counted. */
  readonly attempts: number
  /** When the merchant last asked for it. */
  readonly requestedAt: Date
}

/** Why an attempt did not succeed. */
export type ShippingError = Pick<Shipment, 'errText'> & { readonly errCode: string }

/** A shipment as the merchant sees it. */
export const toShipmentView = (shipment: Shipment) => ({
  outTradeNo: shipment.outTradeNo,
  logisticsType: shipment.logisticsType,
  shippingState: shipment.shippingState,
  ...(shipment.errCode === null ? {} : { errCode: shipment.errCode }),
  ...(shipment.errText === null ? {} : { errText: shipment.errText }),
})

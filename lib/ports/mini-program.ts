import type { User } from '../core/caller.ts'
import type { Openid } from '../core/ids.ts'
import type { Outcome } from '../core/result.ts'
import type { PaidOrder } from '../core/order.ts'
import type { OrderState } from '../core/settlement.ts'
import type { Parcel, Shipment } from '../core/shipment.ts'

/**
 * The request of a login. The optional fields prove facts about the user: either all of them hold
 * or the login fails.
 */
export interface LoginRequest {
  readonly code: string
  readonly rawData?: string | undefined
  readonly signature?: string | undefined
  readonly encryptedData?: string | undefined
  readonly iv?: string | undefined
}

export interface Identity extends User {
  readonly unionid: string | null
}

/** A token for the Mini Program API. It expires after `lifeMs`. */
export interface AccessToken {
  readonly token: string
  readonly lifeMs: number
}

export type UploadAnswer =
  | { readonly outcome: 'uploaded' }
  | (UploadRefusal & { readonly outcome: 'token_refused' | 'later' | 'never' })
  | (UploadRefusal & {
      /** WeChat has another shipment of this order, and keeps that one. */
      readonly outcome: 'already'
      readonly shipment: ReportedShipment
    })

interface UploadRefusal {
  readonly code: string
  /** The action for a person. */
  readonly remedy: string
  /** WeChat's own text, cleaned. It may be empty. */
  readonly text: string
}

/** The answer of order and shipping management about a payment. */
export type ManagedOrder =
  | {
      readonly outcome: 'found'
      readonly state: OrderState
      /** Null if WeChat has no shipment or does not show it. */
      readonly shipment: ReportedShipment | null
    }
  | {
      /** `unknown_order`: WeChat does not know the payment, or not yet. */
      readonly outcome: 'unknown_order' | 'token_refused'
      readonly code: string
      /** WeChat's own text, cleaned. It may be empty. */
      readonly text: string
    }

export type TradeManagementAnswer =
  | { readonly outcome: 'known'; readonly isManaged: boolean }
  | { readonly outcome: 'token_refused'; readonly code: string; readonly text: string }

export type ReceiptAnswer =
  | { readonly outcome: 'reported' }
  | {
      readonly outcome: 'token_refused' | 'refused'
      readonly code: string
      /** The action for a person. */
      readonly remedy: string
      /** WeChat's own text, cleaned. It may be empty. */
      readonly text: string
    }

export type PhoneAnswer =
  | { readonly outcome: 'known'; readonly phoneNumber: string }
  | { readonly outcome: 'token_refused'; readonly code: string; readonly text: string }

/** A shipment as WeChat has it. */
export type ReportedShipment = Pick<
  Shipment,
  'logisticsType' | 'parcels' | 'isSplit' | 'isAllDelivered'
>

/** A shipment, and those of its parcels that WeChat does not have yet. Only these are sent. */
export type ShippingReport = ReportedShipment &
  Pick<Shipment, 'uploadedAt'> & { readonly missing: readonly Parcel[] }

/** Returns the API of one Mini Program; without an appid, of the deployment's default one. */
export type MiniPrograms = (appid?: string) => MiniProgram

/** The API of one Mini Program. */
export interface MiniProgram {
  logIn(request: LoginRequest): Promise<Outcome<Identity>>
  fetchAccessToken(): Promise<Outcome<AccessToken>>
  /**
   * Reports that the goods are on their way. The call may be repeated. If WeChat has a shipment of
   * the order already, the call asks WeChat which one.
   */
  uploadShipping(
    token: string,
    report: ShippingReport,
    order: PaidOrder,
    at: Date,
  ): Promise<Outcome<UploadAnswer>>
  /** Asks order and shipping management for the state of a paid order. */
  getOrder(token: string, order: PaidOrder): Promise<Outcome<ManagedOrder>>
  /**
   * Reports that the carrier has delivered an order, so that WeChat asks the payer to confirm the
   * receipt. A repeated call has no effect.
   */
  reportReceipt(token: string, order: PaidOrder, receivedAt: Date): Promise<Outcome<ReceiptAnswer>>
  /** Whether WeChat holds the money of this app's orders until they are shipped. */
  isTradeManaged(token: string): Promise<Outcome<TradeManagementAnswer>>
  /**
   * Exchanges a code of the phone number button, which works once, for the number of this user.
   * Numbers outside China begin with `+` and the country code.
   */
  findPhoneNumber(token: string, phoneCode: string, openid: Openid): Promise<Outcome<PhoneAnswer>>
  isReachable(): Promise<boolean>
}

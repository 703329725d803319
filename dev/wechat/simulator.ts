/** The interface of the simulator for the local world and for tests. */
import type { Hono } from 'hono'
import type { BillTampering } from './bill-tampering.ts'
import type { Fault } from './faults.ts'
import type { FoundSignature, SentMessage } from './find-signature.ts'
import type { LoggedMessage } from './message-log.ts'
import type { SimulatedOrder } from './order.ts'
import type { PhoneTap } from './phone-number.ts'
import type { SimulatedRefund } from './refund.ts'
import type { PushedEvent } from './push/queue-push.ts'
import type { PushFields, WrittenPush } from './push/write-push.ts'
import type { Payer, PaymentArguments, PayOutcome } from './request-payment.ts'
import type { Settings, SettingsChange } from './settings.ts'
import type { SimulatedShipment } from './shipment.ts'
import type { WrittenMessage } from './post-notification.ts'
import type { SendingAgain } from './send-again.ts'
import type { Attempt, SimulatedNotification, SimulatedPush } from './state.ts'
import type { UserData } from './user-data.ts'
import type { Complaining } from './v3/complaints.ts'
import type { StoredComplaint } from './v3/complaint-state.ts'
import type { KeyChange, KeyList } from './v3/wechat-keys.ts'

export interface Simulator {
  /** WeChat's paths and `/control/...`. It is mounted at the path of the base URLs. */
  readonly app: Hono
  /** Starts delivering due notifications and pushed messages. */
  start(): void
  /** Stops deliveries and ends all open answers. `start` may follow. */
  stop(): Promise<void>
  /**
   * Delivers the notifications and the pushed messages that are due. Returns the number of
   * notifications sent.
   */
  tick(): Promise<number>
  now(): number
  /**
   * Moves the clock that it shares with the world. @throws TypeError with the reason if it cannot
   * be moved
   */
  advance(ms: number): void
  /** Returns a code of `wx.login`, for a new user unless an openid is given. */
  issueCode(openid?: string): string
  /**
   * Returns what `<button open-type="getPhoneNumber">` tells the Mini Program when this user taps
   * it and agrees. @throws TypeError for what cannot be an openid or a phone number
   */
  tapPhoneButton(openid: string, phoneNumber: string): PhoneTap
  /** Returns the user data that the Mini Program receives with that code. */
  userData(code: string): UserData
  /**
   * Does what `wx.requestPayment` does, as the payer of the order unless another openid is given.
   */
  pay(args: PaymentArguments, openid?: string, payer?: Payer): PayOutcome
  /**
   * Does what a person does in the merchant console. @throws TypeError with WeChat's text if the
   * order cannot be refunded
   */
  refundInConsole(
    outTradeNo: string,
    refundFee: number,
    reported?: 'reported' | 'unreported',
    endsAs?: SimulatedRefund['endsAs'],
  ): SimulatedRefund
  /**
   * Does what the payer of an order does to complain, and again to continue the complaint. @throws
   * TypeError with the reason if the order cannot be complained about
   */
  complain(complaint: Complaining): StoredComplaint
  /** Sets the URL for notifications of complaints. Null: WeChat sends none. */
  registerComplaintUrl(url: string | null): void
  /**
   * Pushes an event of the Mini Program. @throws TypeError with the reason if it cannot
   */
  push(event: PushedEvent): void
  /**
   * Sets the amount that refunds are paid from. Refunds lower it, and payments do not raise it.
   * Null is the default and means enough.
   */
  setBalance(fen: number | null): void
  /** Revokes every access token: the next call with one is answered 40001. */
  revokeToken(): void
  /** Changes the given settings, and returns all settings. */
  changeSettings(change: SettingsChange): Settings
  /** Replaces the errors in later bills. `{}` means none. */
  tamperBill(tampering: BillTampering): void
  /** The keys that WeChat signs with. @throws TypeError without settings of APIv3 */
  keys(): KeyList
  /** Rotates or retires a key, or changes the mode. @throws TypeError if it cannot */
  changeKeys(change: KeyChange): KeyList
  /** The signature of a message that was sent to or from WeChat. Null if it is not signed. */
  findSignature(message: SentMessage): FoundSignature | null
  misbehave(fault: Fault): void
  /** Ends one fault, given as it was given to `misbehave`. */
  behave(fault: Fault): void
  clearFaults(): void
  /** Whether this fault is active, or any fault. */
  hasFault(fault?: Fault): boolean
  /** The latest 500 messages, newest last. */
  readonly messageLog: readonly LoggedMessage[]
  orders(): readonly SimulatedOrder[]
  refunds(): readonly SimulatedRefund[]
  complaints(): readonly StoredComplaint[]
  /**
   * Does what the payer does in WeChat's component for the receipt. @throws TypeError with the
   * reason if the receipt cannot be confirmed
   */
  confirmReceipt(outTradeNo: string): void
  /** The shipments reported to order and shipping management. */
  shipments(): readonly SimulatedShipment[]
  notifications(): readonly SimulatedNotification[]
  /**
   * Sends a notification again, unchanged or changed. @throws TypeError with the reason if there is
   * no such notification or field
   */
  sendAgain(again: SendingAgain): Promise<Attempt>
  /** The bill of a day, `yyyy-MM-dd` in Beijing, as text. Null if it has no rows. */
  bill(day: string): string | null
  /**
   * The pages, with their queries, that WeChat opens for an order: from the buyer’s orders and from
   * its messages on shipping. Empty: not set. @throws TypeError if the order is not paid
   */
  pagesOf(outTradeNo: string): { readonly ofOrders: string; readonly ofShipping: string }
  /** The messages of message push, with their answers. */
  pushes(): readonly SimulatedPush[]
  /** Writes a pushed message as its next delivery would, without sending it. */
  writePush(fields: PushFields, fault?: Fault | null): WrittenPush
  /** Writes and signs a notification as its next delivery would, without sending it. */
  writeNotification(notification: SimulatedNotification): WrittenMessage
}

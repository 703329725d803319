/** What the local world and the tests can do with the simulator. */
import type { Hono } from 'hono'
import type { BillTampering } from './bill-tampering.ts'
import type { Fault } from './faults.ts'
import type { LoggedMessage } from './message-log.ts'
import type { SimulatedOrder } from './order.ts'
import type { SimulatedRefund } from './refund.ts'
import type { Payer, PaymentArguments, PayOutcome } from './request-payment.ts'
import type { Settings, SettingsChange } from './settings.ts'
import type { SimulatedShipment } from './shipment.ts'
import type { SimulatedNotification } from './state.ts'
import type { UserData } from './user-data.ts'

export interface Simulator {
  /** WeChat's paths and `/control/...`, to be mounted where the base URLs point. */
  readonly app: Hono
  /** Begins to deliver due notifications by itself. */
  start(): void
  /** Ends deliveries and whatever hangs; `start` may follow. */
  stop(): Promise<void>
  /** Delivers what is due now and returns how many messages were sent. */
  tick(): Promise<number>
  now(): number
  /** Moves the clock it shares with the world. @throws TypeError with the reason where it cannot be moved */
  advance(ms: number): void
  /** What `wx.login` would give, for a new person unless one is named. */
  issueCode(openid?: string): string
  /** What the Mini Program would get beside that code. */
  userData(code: string): UserData
  /** What `wx.requestPayment` does on the phone of the order's own payer, unless another is named. */
  pay(args: PaymentArguments, openid?: string, payer?: Payer): PayOutcome
  /** What a person does in the merchant console. @throws TypeError with WeChat's text when it cannot be refunded. */
  refundInConsole(
    outTradeNo: string,
    refundFee: number,
    reported?: 'reported' | 'unreported',
  ): SimulatedRefund
  /** What refunds can be paid from, until it is set again: refunds lower it, payments do not raise it. Null, the default: always enough. */
  setBalance(fen: number | null): void
  /** Ends every access token at once: the next call with one hears 40001. */
  revokeToken(): void
  /** Changes what is named and leaves the rest; returns what is in force. */
  changeSettings(change: SettingsChange): Settings
  /** What is wrong with bills from now on, in place of what was; `{}`: nothing. */
  tamperBill(tampering: BillTampering): void
  misbehave(fault: Fault): void
  clearFaults(): void
  /** The latest 500 messages, newest last. */
  readonly messageLog: readonly LoggedMessage[]
  orders(): readonly SimulatedOrder[]
  refunds(): readonly SimulatedRefund[]
  /** What has been reported to order and shipping management. */
  shipments(): readonly SimulatedShipment[]
  notifications(): readonly SimulatedNotification[]
}

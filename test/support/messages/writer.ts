import type { SimulatedNotification } from '../../../dev/wechat/state.ts'
import type { Shop } from '../shop.ts'
import type { Acknowledgement, Message, PaymentFacts, RefundFacts, Signer } from './message.ts'

/** Writes the messages of one protocol. */
export interface Writer {
  payment(shop: Shop, facts: PaymentFacts, signer: Signer): Message
  refund(shop: Shop, facts: RefundFacts, signer: Signer): Message
  /** The content of one payment notification under the signature of another. */
  withSignatureOf(signed: Message, content: Message): Message
  /** The message that the simulator sends for this notification. */
  sent(shop: Shop, notification: SimulatedNotification): Message
  readonly acknowledgements: {
    /** WeChat does not send the message again. */
    readonly TAKEN: Acknowledgement
    /** The message is not WeChat’s, or contradicts the ledger. */
    readonly REFUSED: Acknowledgement
    /** The message may be right, and WeChat sends it again. */
    readonly NOT_NOW: Acknowledgement
    readonly TOO_LARGE: Acknowledgement
  }
}

import type { ComplaintId } from '../core/ids.ts'
import type { Confirmation } from '../core/confirmation.ts'
import type { Outcome } from '../core/result.ts'
import type { RefundStatus } from '../core/refund.ts'
import type { KnownRefund } from './gateway.ts'

export type Notification =
  | {
      readonly kind: 'paid'
      /** The protocol of the message, which may be another one than the order's. */
      readonly protocol: string
      readonly confirmation: Confirmation
      readonly attach: string | null
      /**
       * The first field that is missing or that WeChat does not document; null for a message as
       * documented.
       */
      readonly undocumented: string | null
      /** The text of `attach` could hide signed fields of a message of another kind. */
      readonly mayAttachHideFields: boolean
    }
  | { readonly kind: 'not_paid' }
  /** Sent because doctor asked for it. `message` is the text that doctor sent, or empty. */
  | { readonly kind: 'echo'; readonly message: string }
  /** A payer has complained, or a complaint has changed. WeChat must be asked which. */
  | { readonly kind: 'complaint'; readonly complaintId: ComplaintId }
  /** A genuine message of the Mini Program's message push. */
  | { readonly kind: 'push'; readonly push: Push }
  /** WeChat checks the address that was entered in the console for message push. */
  | { readonly kind: 'push_check' }
  /** Verified, of a kind that is not handled here. `name` is WeChat's, for the log. */
  | { readonly kind: 'unknown'; readonly name: string }
  | {
      readonly kind: 'refund'
      readonly protocol: string
      readonly outTradeNo: string
      readonly outRefundNo: string
      readonly refundStatus: RefundStatus
      /** Absent if the message is not authenticated. Then it only names the refund to ask about. */
      readonly verified?: NotifiedRefund
    }

/** A pushed message. It is only a hint: WeChat is asked before anything changes. */
export interface Push {
  /** The same for every copy of a message. */
  readonly id: string
  /** WeChat's name, for the log. */
  readonly name: string
  /** The order that it is about; null without one. Not checked. */
  readonly outTradeNo: string | null
  /** The action for a person; null if nothing has to be done. */
  readonly remedy: string | null
}

/** A notification as the adapter of its protocol reads it. */
export type ReadNotification = WithoutProtocol<Notification>
type WithoutProtocol<N> = N extends unknown ? Omit<N, 'protocol'> : never

/** A refund from an authenticated notification. */
export interface NotifiedRefund extends KnownRefund {
  /** The payment that was refunded. */
  readonly transactionId: string
}

/** The head of a message. It identifies the sender's protocol before the body is read. */
export interface MessageHead {
  readonly headers: Headers
  readonly query: URLSearchParams
}

export interface IncomingMessage extends MessageHead {
  readonly bytes: Uint8Array
}

/** An HTTP answer in the form that the sender's protocol demands. */
export interface Acknowledgement {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Messages that WeChat sends to this deployment. */
export interface Notifications {
  /**
   * Verifies the message before it uses anything from it. `notice_rejected` if a check fails. A
   * refund notification of v2 has no signature to verify.
   */
  read(message: IncomingMessage): Promise<Outcome<Notification>>
  /** The answer to the sender. It does not say why a message was refused. */
  acknowledge(head: MessageHead, handled: Outcome<unknown>): Promise<Acknowledgement>
}

/** Whoever verifies and signs APIv2 messages: each by its public ways, or by the very lines behind them where these would send. */
import type { SignType } from '../../lib/wechat/v2/sign.ts'

export interface Signer {
  readonly name: string
  /** Whether a notification is rightly signed: from the bytes received to fields that can be used. */
  readonly verify: (bytes: Buffer) => boolean | Promise<boolean>
  /** A unified order as it goes on the wire, with a nonce of the signer's own. */
  readonly writeOrder: () => string
  /** The arguments of `wx.requestPayment`. */
  readonly signPayment: () => object
}

/** @param load loads a package that was installed to compare with. */
export type CreateSigner = (type: SignType, load: (name: string) => unknown) => Signer

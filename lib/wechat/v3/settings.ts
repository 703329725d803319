import type { KeyObject } from 'node:crypto'

/** The settings of one v3 account. */
export interface V3Settings {
  readonly appid: string
  readonly mchId: string
  /** The APIv3 key: 32 ASCII bytes. It decrypts notifications and certificates. */
  readonly apiKey: string
  /** The serial of the merchant API certificate (upper-case hex), and its private key. */
  readonly merchant: { readonly serial: string; readonly privateKey: KeyObject }
  /**
   * WeChat Pay's public keys by their id (`PUB_KEY_ID_…`). The first one is named in our calls.
   * Empty: WeChat signs with platform certificates.
   */
  readonly publicKeys: ReadonlyMap<string, KeyObject>
  /** Base URLs. The next one is used if the one before does not answer. */
  readonly hosts: readonly [string, ...string[]]
}

export interface V3Tools {
  /** A nonce that was never used before. */
  readonly newNonce: () => string
  readonly now: () => Date
}

/** The settings of APIv3 of the simulated merchant, and the values that belong to them. */
import type { KeyObject } from 'node:crypto'
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import type { StoredKeys } from './stored-keys.ts'
import { WechatKeys } from './wechat-keys.ts'

export interface V3Settings {
  /** The APIv3 key. */
  readonly apiKey: string
  /** The merchant's API certificate, in PEM. It verifies the merchant's requests. */
  readonly merchantCertificate: string
  /**
   * WeChat's own key pair, as the id of the public key and the private key in PEM. Without it the
   * merchant uses platform certificates.
   */
  readonly publicKey?: { readonly id: string; readonly privateKey: string }
  /** Makes the keys of WeChat that a rotation needs. Default: new RSA keys of 2048 bits. */
  readonly newPrivateKey?: () => KeyObject
}

/** Everything of APIv3 that one simulator holds. */
export interface V3 {
  readonly apiKey: string
  readonly merchant: { readonly serial: string; readonly publicKey: KeyObject }
  readonly keys: WechatKeys
  /** Bills that can be downloaded, by the token in their URL. */
  readonly bills: Map<string, BillFile>
  /** Alternates where WeChat's pages contradict each other. */
  readonly takeTurn: () => 'first' | 'second'
}

export interface BillFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly isGzip: boolean
  readonly expiresAt: number
}

const newRsaKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

export function openV3(
  settings: V3Settings,
  mchId: string,
  now: () => number,
  stored: StoredKeys | null,
): V3 {
  const certificate = new X509Certificate(settings.merchantCertificate)
  let turns = 0
  return {
    apiKey: settings.apiKey,
    merchant: {
      serial: certificate.serialNumber.toUpperCase(),
      publicKey: createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' })),
    },
    keys: new WechatKeys({
      mchId,
      now,
      publicKey: settings.publicKey,
      newPrivateKey: settings.newPrivateKey ?? newRsaKey,
      stored,
    }),
    bills: new Map(),
    takeTurn: () => (turns++ % 2 === 0 ? 'first' : 'second'),
  }
}

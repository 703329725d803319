/** The WeChat of the targets of APIv3, and our settings for it. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { combineKeys, configuredKeys } from '../../lib/wechat/v3/platform-keys.ts'
import { newCertificate } from '../support/v3-certificates.ts'
import { demoV3, PUBLIC_KEY_ID } from '../support/v3-keys.ts'
import type { Signed, V3Wechat } from './v3-messages.ts'

export const NOW = new Date('2025-01-02T03:05:02+08:00')
const OTHER_ID = 'PUB_KEY_ID_0119000001092025010200000000000002'

/** Short keys, because signing takes most of the time of an input. */
const newPair = () => generateKeyPairSync('rsa', { modulusLength: 1024 })
/** They are new in every run. Everything else in an input depends on the seed only. */
const [pair, otherPair, forgersPair, merchantPair] = [newPair(), newPair(), newPair(), newPair()]
export const certificate = newCertificate(
  '7132D72A03E93CDDF8C03BBD1F37EEDF00000001',
  new Date('2024-06-08T00:00:00Z'),
  new Date('2029-06-07T00:00:00Z'),
)
const certificateKey = createPublicKey(certificate.pem)

export const wechat: V3Wechat = {
  appid: demoV3.appid,
  mchId: demoV3.mchId,
  apiKey: demoV3.apiKey,
  keys: new Map([
    [PUBLIC_KEY_ID, pair.privateKey],
    [OTHER_ID, otherPair.privateKey],
    [certificate.serial, certificate.key],
  ]),
  forgersKey: forgersPair.privateKey,
  now: () => NOW,
}

export const settings = {
  ...demoV3,
  merchant: { ...demoV3.merchant, privateKey: merchantPair.privateKey },
  publicKeys: new Map([
    [PUBLIC_KEY_ID, pair.publicKey],
    [OTHER_ID, otherPair.publicKey],
  ]),
}

/** Two public keys and a platform certificate, as during a change-over. */
export const platformKeys = combineKeys(configuredKeys(settings), {
  find: async (serial) => (serial === certificate.serial ? certificateKey : null),
  current: async () => certificate.serial,
  replace: async () => null,
})
export const publicKeys = new Map([...settings.publicKeys, [certificate.serial, certificateKey]])

export const SIGNATURE_TYPE = 'WECHATPAY2-SHA256-RSA2048'

/** Why a message is not WeChat's; null if WeChat has signed it, with this key, in this time. */
export function findForgery(
  headers: Headers,
  bytes: Uint8Array,
  signed: Signed | null,
): string | null {
  const header = (name: string) => headers.get(`wechatpay-${name}`) ?? ''
  const text = Buffer.concat([
    Buffer.from(`${header('timestamp')}\n${header('nonce')}\n`),
    bytes,
    Buffer.from('\n'),
  ])
  if (header('signature') === '') return 'without a signature'
  if (signed === null || !signed.text.equals(text)) return 'that WeChat has not signed'
  if (header('serial') !== signed.serial) return 'with the serial of another key'
  if (!['', SIGNATURE_TYPE].includes(header('signature-type'))) return 'with another signature type'
  const skew = NOW.getTime() / 1000 - Number(header('timestamp'))
  return Math.abs(skew) < 300 ? null : 'of another time'
}

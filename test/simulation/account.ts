/** The protocol modes of an account: the shop's variables, and the keys that belong to them. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { demoV3Values } from '../../dev/world/demo-values.ts'
import type { V3Settings } from '../../dev/wechat/v3/account.ts'
import { writeCertificate } from '../../dev/wechat/v3/platform-certificate.ts'

export const V2_MODES = ['v2 HMAC-SHA256', 'v2 MD5'] as const
export const V3_MODES = ['v3 public key', 'v3 certificates'] as const
export type Protocol = 'v2' | 'v3'

/** An account has the settings of one protocol or of both. */
export interface Account {
  readonly v2: (typeof V2_MODES)[number] | null
  readonly v3: (typeof V3_MODES)[number] | null
  /** The protocol of new orders at the start of the history. */
  readonly startsWith: Protocol
}

/** Signing with a small key takes a fifth of the time, and the size of a key decides nothing. */
const newKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const toPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const merchantKey = newKey()
/** The merchant's API certificate and its key. */
export const MERCHANT = {
  WECHAT_PAY_CERT: writeCertificate(`5${'0'.repeat(38)}1`, merchantKey, {
    from: Date.parse('2025-12-01T00:00:00Z'),
    to: Date.parse('2125-12-01T00:00:00Z'),
  }),
  WECHAT_PAY_CERT_KEY: toPem(merchantKey),
} as const

const firstPublicKey = newKey()
const publicKey = {
  id: demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID,
  privateKey: toPem(firstPublicKey),
}
/** WeChat's later keys. Each thread makes them once, and no history needs more. */
const LATER_KEYS = Array.from({ length: 6 }, newKey)
const pairs = [firstPublicKey, ...LATER_KEYS].map((privateKey) => ({
  privateKey,
  publicKey: createPublicKey(privateKey),
}))

/** The private key of one of WeChat's public keys; any of them if it is null. */
export function findPrivateKey(wanted: KeyObject | null): KeyObject {
  const pair = pairs.find((one) => wanted === null || one.publicKey.equals(wanted))
  if (pair === undefined) throw new Error('this key is not one of WeChat')
  return pair.privateKey
}

/** The settings of APIv3 of the WeChat simulator. */
export function simulatorSettings({ v3 }: Account): { readonly v3?: V3Settings } {
  if (v3 === null) return {}
  const left = [...LATER_KEYS]
  return {
    v3: {
      apiKey: demoV3Values.WECHAT_PAY_V3_KEY,
      merchantCertificate: MERCHANT.WECHAT_PAY_CERT,
      ...(v3 === 'v3 public key' ? { publicKey } : {}),
      newPrivateKey: () => {
        const key = left.pop()
        if (key === undefined) throw new Error('a history needs more keys than there are')
        return key
      },
    },
  }
}

/** The variables of the shop that say which protocols it has. */
export function variablesOf(
  { v2, v3 }: Account,
  api: Protocol,
  publicKeys: readonly { readonly id: string; readonly pem: string }[],
): Readonly<Record<string, string>> {
  const [key, other] = publicKeys
  return {
    ...MERCHANT,
    WECHAT_PAY_API: api,
    WECHAT_SIGN_TYPE: v2 === 'v2 MD5' ? 'MD5' : 'HMAC-SHA256',
    ...(v2 === null ? { WECHAT_PAY_KEY: '' } : {}),
    ...(v3 === null ? {} : { WECHAT_PAY_V3_KEY: demoV3Values.WECHAT_PAY_V3_KEY }),
    ...(key === undefined
      ? {}
      : { WECHAT_PAY_PUBLIC_KEY: key.pem, WECHAT_PAY_PUBLIC_KEY_ID: key.id }),
    ...(other === undefined
      ? {}
      : { WECHAT_PAY_PUBLIC_KEY_OTHER: other.pem, WECHAT_PAY_PUBLIC_KEY_ID_OTHER: other.id }),
  }
}

const BOTH = 'both protocols'
export const ALL_MODES = [...V2_MODES, ...V3_MODES, BOTH]

/** The modes of an account, for the counts of a search. */
export const modesOf = ({ v2, v3 }: Account): readonly string[] => [
  ...(v2 === null ? [] : [v2]),
  ...(v3 === null ? [] : [v3]),
  ...(v2 === null || v3 === null ? [] : [BOTH]),
]

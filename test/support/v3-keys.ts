/** Keys and messages of a made-up WeChat for APIv3, signed with `node:crypto` alone. */
import { createCipheriv, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { V3Settings } from '../../lib/wechat/v3/settings.ts'

const newPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })

export const merchantPair = newPair()
export const wechatPair = newPair()
export const PUBLIC_KEY_ID = 'PUB_KEY_ID_0119000001092025010200000000000001'

export const demoV3: V3Settings = {
  appid: 'wx00000000demo0001',
  mchId: '1900000109',
  apiKey: 'DemoV3ApiKey00000000000000000001',
  merchant: {
    serial: '5157F09EFDC096DE15EBE81A47057A72DE000001',
    privateKey: merchantPair.privateKey,
  },
  publicKeys: new Map([[PUBLIC_KEY_ID, wechatPair.publicKey]]),
  hosts: ['https://pay.example'],
}

/** The headers of a message that this WeChat signs. */
export function signedHeaders(
  body: string | Uint8Array,
  at: Date,
  {
    nonce = 'd824f2e086d3c1df967785d13fcd22ef',
    serial = PUBLIC_KEY_ID,
    key = wechatPair.privateKey,
  }: { nonce?: string; serial?: string; key?: KeyObject } = {},
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const text = Buffer.concat([
    Buffer.from(`${timestamp}\n${nonce}\n`),
    Buffer.from(body),
    Buffer.from('\n'),
  ])
  return {
    'Wechatpay-Timestamp': timestamp,
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Serial': serial,
    'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
    'Wechatpay-Signature': sign('sha256', text, key).toString('base64'),
  }
}

/** A resource as this WeChat encrypts it. */
export function sealed(
  plain: string | Uint8Array,
  { associatedData = 'transaction', nonce = 'fdasflkja484', apiKey = demoV3.apiKey } = {},
) {
  const cipher = createCipheriv('aes-256-gcm', apiKey, nonce).setAAD(Buffer.from(associatedData))
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return {
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: ciphertext.toString('base64'),
    associated_data: associatedData,
    nonce,
  }
}

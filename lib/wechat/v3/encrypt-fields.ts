import { constants, publicEncrypt } from 'node:crypto'
import type { PlatformKeys } from './platform-keys.ts'

type Fields = Readonly<Record<string, string>>

/**
 * Encrypts personal data with the key that the call names in `Wechatpay-Serial`. WeChat prescribes
 * RSA-OAEP with SHA-1. Null if there are fields and the key is not known at the moment.
 */
export async function encryptFields(
  keys: PlatformKeys,
  serial: string | null,
  fields: Fields,
): Promise<Fields | null> {
  const values = Object.entries(fields)
  if (values.length === 0) return {}
  const key = serial === null ? null : await keys.find(serial)
  if (key === null) return null
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
  return Object.fromEntries(
    values.map(([name, value]) => [
      name,
      publicEncrypt(oaep, Buffer.from(value)).toString('base64'),
    ]),
  )
}

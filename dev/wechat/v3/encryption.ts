/** AES-256-GCM with the APIv3 key, and RSA-OAEP for single fields. */
import {
  constants,
  createCipheriv,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto'

export interface Encrypted {
  readonly algorithm: 'AEAD_AES_256_GCM'
  readonly ciphertext: string
  readonly associated_data: string
  readonly nonce: string
}

export function encrypt(apiKey: string, plain: string, associatedData: string): Encrypted {
  const nonce = randomBytes(6).toString('hex')
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(apiKey), Buffer.from(nonce))
  cipher.setAAD(Buffer.from(associatedData))
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return {
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: sealed.toString('base64'),
    associated_data: associatedData,
    nonce,
  }
}

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' } as const

export const encryptField = (key: KeyObject, plain: string): string =>
  publicEncrypt({ key, ...OAEP }, Buffer.from(plain)).toString('base64')

/** @returns null if the text was not encrypted with the public part of this key */
export function decryptField(key: KeyObject, encrypted: string): string | null {
  try {
    return privateDecrypt({ key, ...OAEP }, Buffer.from(encrypted, 'base64')).toString('utf8')
  } catch {
    return null
  }
}

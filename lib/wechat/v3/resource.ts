import { createDecipheriv } from 'node:crypto'
import * as v from 'valibot'

/** An encrypted part of a message, in a notification or in the list of certificates. */
export const sealedResource = v.object({
  algorithm: v.literal('AEAD_AES_256_GCM'),
  ciphertext: v.string(),
  associated_data: v.optional(v.string(), ''),
  nonce: v.string(),
})

export type SealedResource = v.InferOutput<typeof sealedResource>

const TAG_BYTES = 16

/**
 * Decrypts a resource (AES-256-GCM). Null if it was not encrypted under this APIv3 key, or was
 * changed.
 */
export function openResource(
  apiKey: string,
  { ciphertext, associated_data, nonce }: SealedResource,
): Uint8Array | null {
  const bytes = Buffer.from(ciphertext, 'base64')
  if (bytes.byteLength < TAG_BYTES) return null
  try {
    const decipher = createDecipheriv('aes-256-gcm', apiKey, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(associated_data, 'utf8'))
      .setAuthTag(bytes.subarray(-TAG_BYTES))
    const plain = decipher.update(bytes.subarray(0, -TAG_BYTES))
    // Throws unless the tag is right. GCM has no bytes left here.
    decipher.final()
    return plain
  } catch {
    return null
  }
}

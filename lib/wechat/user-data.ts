/**
 * Checks the proofs about the user that a Mini Program can send with a login: signed `rawData` and
 * `encryptedData`, both under the `session_key` of the same login.
 *
 * The caller does not learn why a proof failed: an answer about the padding would be an oracle.
 */
import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'
import { findRepeatedKey } from '../validation/repeated-key.ts'
import { parsed } from '../validation/parsed.ts'
import { parseText } from '../validation/text.ts'

const plain = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    openId: v.optional(v.string()),
    unionId: v.optional(parsed(v.string(), parseText, 'text')),
    watermark: v.object({ appid: v.string(), timestamp: v.number() }),
  }),
)

export type OpenedData = v.InferOutput<typeof plain>

/**
 * `signature = hex(sha1(rawData + session_key))`; `rawData` is the string exactly as the client
 * received it.
 */
export function isRightlySigned(rawData: string, signature: string, sessionKey: string): boolean {
  const expected = createHash('sha1')
    .update(rawData + sessionKey, 'utf8')
    .digest('hex')
  const given = Buffer.from(signature, 'utf8')
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected, 'utf8'))
}

/**
 * Decrypts the data (AES-128-CBC, PKCS#7). Null unless it can be decrypted and parsed, and its
 * watermark names this Mini Program.
 */
export function openData(
  encryptedData: string,
  iv: string,
  sessionKey: string,
  appid: string,
): OpenedData | null {
  try {
    const decipher = createDecipheriv(
      'aes-128-cbc',
      Buffer.from(sessionKey, 'base64'),
      Buffer.from(iv, 'base64'),
    )
    const text = Buffer.concat([
      decipher.update(Buffer.from(encryptedData, 'base64')),
      decipher.final(),
    ]).toString('utf8')
    const read = v.safeParse(plain, text)
    // The cipher is not authenticated: tampering can rename a field to the name of another one.
    return read.success && findRepeatedKey(text) === null && read.output.watermark.appid === appid
      ? read.output
      : null
  } catch {
    return null
  }
}

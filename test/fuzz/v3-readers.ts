/**
 * A second opinion on messages of APIv3: `wechatpay-axios-plugin` verifies and decrypts them with
 * its own code.
 */
import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { Aes, Decorator, Formatter } from 'wechatpay-axios-plugin'

const call = { url: '/v3/test', validateStatus: (status: number) => status < 300 }

/** Whether the other library accepts the message as WeChat's at this time. */
export function otherLibraryVerifies(
  keys: ReadonlyMap<string, KeyObject>,
  headers: Headers,
  bytes: Uint8Array,
  now: Date,
): boolean {
  const own = Formatter.timestamp
  // It reads the clock of the process. Here it has the clock of the test.
  Formatter.timestamp = () => Math.floor(now.getTime() / 1000)
  try {
    const text = Buffer.from(bytes).toString('utf8')
    const verifier: unknown = Decorator.responseVerifier(Object.fromEntries(keys))
    if (typeof verifier !== 'function') throw new Error('the other library has no verifier')
    // It returns the text, or an error as a value. Errors are not verified, so the status is 200.
    return verifier.call(call, text, Object.fromEntries(headers), 200) === text
  } catch {
    return false
  } finally {
    Formatter.timestamp = own
  }
}

const resource = v.object({
  ciphertext: v.string(),
  nonce: v.string(),
  associated_data: v.optional(v.string()),
})

const TAG_BYTES = 16

/**
 * The plain text that the other library decrypts; null if it throws. It also takes a tag of four
 * bytes, which is not tried here: Node warns of it.
 */
export function otherLibraryOpens(apiKey: string, sealed: unknown): string | null {
  try {
    const { ciphertext, nonce, associated_data } = v.parse(resource, sealed)
    if (Buffer.from(ciphertext, 'base64').byteLength < TAG_BYTES) return null
    return Aes.AesGcm.decrypt(ciphertext, apiKey, nonce, associated_data)
  } catch {
    return null
  }
}

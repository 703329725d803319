/** Checks that a message is WeChat's: an answer to a call, or a notification. */
import { createVerify, type KeyObject } from 'node:crypto'
import type { MessageCheck } from '../../core/failure.ts'
import type { PlatformKeys } from './platform-keys.ts'
import { SIGNATURE_TYPE } from './sign.ts'

/** An older message could be a replay, and a newer one waits to be replayed. */
const WINDOW_MS = 5 * 60_000

/**
 * Returns the first check that the message fails; null if it passes all of them.
 *
 * The serial is looked up last, because the lookup may have to download certificates.
 *
 * @param bytes the body exactly as received; empty for an answer without one
 */
export async function verifyMessage(
  keys: PlatformKeys,
  headers: Headers,
  bytes: Uint8Array,
  now: Date,
): Promise<Extract<MessageCheck, 'signature' | 'time' | 'serial'> | null> {
  const timestamp = headers.get('wechatpay-timestamp') ?? ''
  const nonce = headers.get('wechatpay-nonce') ?? ''
  const serial = headers.get('wechatpay-serial') ?? ''
  const signature = decodeBase64(headers.get('wechatpay-signature') ?? '')
  const type = headers.get('wechatpay-signature-type') ?? SIGNATURE_TYPE
  if (signature === null || nonce === '' || serial === '' || type !== SIGNATURE_TYPE)
    return 'signature'
  if (!/^\d{1,11}$/.test(timestamp)) return 'time'
  if (Math.abs(now.getTime() - Number(timestamp) * 1000) >= WINDOW_MS) return 'time'
  const key = await keys.find(serial)
  if (key === null) return 'serial'
  const signed = [`${timestamp}\n${nonce}\n`, bytes, '\n']
  return isSigned(signed, signature, key) ? null : 'signature'
}

/**
 * SHA256-RSA with the padding of PKCS#1 v1.5, over the joined parts. `createVerify` is measurably
 * faster than `verify`.
 */
export function isSigned(
  parts: readonly (string | Uint8Array)[],
  signature: Uint8Array,
  key: KeyObject,
): boolean {
  const check = createVerify('sha256')
  for (const part of parts) check.update(part)
  return check.verify(key, signature)
}

/**
 * Null if the text is not exactly what an encoder writes. WeChat tests its receivers with
 * signatures that begin with `WECHATPAY/SIGNTEST/`; they are bad signatures like any other.
 */
function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.byteLength > 0 && bytes.toString('base64') === text ? bytes : null
}

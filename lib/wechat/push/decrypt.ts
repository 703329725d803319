/** Opens the encrypted part of a pushed message. */
import { createDecipheriv } from 'node:crypto'
import type { MessageCheck } from '../../core/failure.ts'
import { err, ok, type Result } from '../../core/result.ts'

/** WeChat pads to blocks of 32 bytes, which is twice the block of the cipher. */
const BLOCK_BYTES = 32
const IV_BYTES = 16
/** Random bytes, which make equal messages look different. The length of the message follows. */
const RANDOM_BYTES = 16
const HEAD_BYTES = RANDOM_BYTES + 4

/**
 * Decrypts the field `Encrypt` with AES-256-CBC. The plain text is 16 random bytes, the length of
 * the message in 4 bytes, the message, and the appid of the receiver.
 *
 * The caller checks the signature first, so that no answer tells an attacker which padding is
 * valid.
 *
 * Source: developers.weixin.qq.com, message-push
 *
 * @returns `merchant` if the message is for another appid
 */
export function decrypt(
  key: Uint8Array,
  appid: string,
  encrypted: string,
): Result<Uint8Array, Extract<MessageCheck, 'decryption' | 'merchant'>> {
  const bytes = Buffer.from(encrypted, 'base64')
  const isWhole = bytes.byteLength > 0 && bytes.byteLength % BLOCK_BYTES === 0
  if (!isWhole || bytes.toString('base64') !== encrypted) return err('decryption')
  const cipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, IV_BYTES))
  // The padding of the library allows only 16 bytes.
  cipher.setAutoPadding(false)
  const plain = removePadding(Buffer.concat([cipher.update(bytes), cipher.final()]))
  if (plain === null || plain.byteLength < HEAD_BYTES) return err('decryption')
  const end = HEAD_BYTES + plain.readUInt32BE(RANDOM_BYTES)
  if (end > plain.byteLength) return err('decryption')
  if (plain.toString('utf8', end) !== appid) return err('merchant')
  return ok(plain.subarray(HEAD_BYTES, end))
}

/**
 * The last byte says how many bytes of padding there are. Null unless all of them have that value.
 */
function removePadding(padded: Buffer): Buffer | null {
  const count = padded.at(-1) ?? 0
  if (count < 1 || count > BLOCK_BYTES) return null
  const end = padded.byteLength - count
  return padded.subarray(end).every((byte) => byte === count) ? padded.subarray(0, end) : null
}

/** The encryption of message push: AES-256-CBC, padded to blocks of 32 bytes. */
import { createCipheriv, randomBytes } from 'node:crypto'

const BLOCK = 32

/** @param spoil changes the plain text, padding included, before it is encrypted */
export function encrypt(
  key: string,
  appid: string,
  message: string,
  spoil: (padded: Buffer<ArrayBuffer>) => Buffer = (padded) => padded,
): string {
  const content = Buffer.from(message, 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.byteLength)
  const plain = Buffer.concat([randomBytes(16), length, content, Buffer.from(appid, 'utf8')])
  const count = BLOCK - (plain.byteLength % BLOCK)
  const padded = Buffer.concat([plain, Buffer.alloc(count, count)])
  const secret = Buffer.from(`${key}=`, 'base64')
  const cipher = createCipheriv('aes-256-cbc', secret, secret.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(spoil(padded)), cipher.final()]).toString('base64')
}

/** One block too much, filled as the last one, so that only the limit of 32 bytes tells it. */
export function withTooMuchPadding(padded: Buffer): Buffer {
  const count = padded.at(-1) ?? 0
  const more = BLOCK + count
  return Buffer.concat([padded.subarray(0, padded.byteLength - count), Buffer.alloc(more, more)])
}

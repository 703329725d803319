/**
 * APIv2 signatures, both directions, and the second one for `wx.requestPayment`.
 *
 * Rules: https://pay.weixin.qq.com/doc/v2/merchant/4011985891 (signature algorithm). The key goes in twice for
 * HMAC-SHA256: as the HMAC key and inside the message.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export type SignType = 'MD5' | 'HMAC-SHA256'

/** One flat WeChat message: field names as on the wire, values as text. */
export type Fields = ReadonlyMap<string, string>

interface Algorithm {
  readonly signLength: number
  readonly digest: (text: string, key: string) => string
}

const algorithms: Readonly<Record<SignType, Algorithm>> = {
  MD5: { signLength: 32, digest: (text) => createHash('md5').update(text, 'utf8').digest('hex') },
  'HMAC-SHA256': { signLength: 64, digest: (text, key) => createHmac('sha256', key).update(text, 'utf8').digest('hex') },
}

/** Every field but `sign` and the empty ones, in byte order of the names, as `name=value` joined by `&`, then the key. */
function stringSignTemp(fields: Fields, key: string): string {
  const pairs = [...fields].filter(([name, value]) => name !== 'sign' && value !== '').toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `${pairs.map(([name, value]) => `${name}=${value}`).join('&')}&key=${key}`
}

/** The signature of a message: upper-case hex, 32 characters for MD5, 64 for HMAC-SHA256. */
export function sign(fields: Fields, key: string, type: SignType): string {
  return algorithms[type].digest(stringSignTemp(fields, key), key).toUpperCase()
}

/**
 * The type a message is rightly signed with, or null: no `sign`, an unknown length or a wrong value are all a no.
 *
 * The length of `sign` says which algorithm; both are keyed with the same secret, and WeChat has been seen to sign a
 * notification otherwise than the order it belongs to.
 */
export function verify(fields: Fields, key: string): SignType | null {
  const given = Buffer.from(fields.get('sign') ?? '', 'utf8')
  for (const type of ['MD5', 'HMAC-SHA256'] as const) {
    if (given.length !== algorithms[type].signLength) continue
    return timingSafeEqual(given, Buffer.from(sign(fields, key, type), 'utf8')) ? type : null
  }
  return null
}

/** The same message with its `sign`, ready to be written. */
export function signed(fields: Fields, key: string, type: SignType): Fields {
  return new Map([...fields, ['sign', sign(fields, key, type)]])
}

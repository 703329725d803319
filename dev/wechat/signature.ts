/**
 * The signature of v2 by WeChat's published rule, for messages and for `wx.requestPayment`.
 *
 * The simulator shares no code with `lib/wechat`. A mistake there must not be on both sides.
 */
import { createHash, createHmac } from 'node:crypto'

export type SignType = 'MD5' | 'HMAC-SHA256'

/** The fields of one message, by WeChat's names. */
export type Fields = ReadonlyMap<string, string>

const compareBytes = (one: string, other: string): number =>
  Buffer.compare(Buffer.from(one), Buffer.from(other))

/** The signed text: the fields that are not empty, in byte order of their names, and the key. */
export function textToSign(fields: Fields, key: string): string {
  const pairs = [...fields]
    .filter(([name, value]) => name !== 'sign' && value !== '')
    .toSorted(([one], [other]) => compareBytes(one, other))
  return [...pairs, ['key', key]].map((pair) => pair.join('=')).join('&')
}

export function signatureOf(fields: Fields, key: string, type: SignType): string {
  const digest = type === 'MD5' ? createHash('md5') : createHmac('sha256', key)
  return digest.update(textToSign(fields, key), 'utf8').digest('hex').toUpperCase()
}

export const withSignature = (fields: Fields, key: string, type: SignType): Fields =>
  new Map([...fields, ['sign', signatureOf(fields, key, type)]])

export const isSigned = (fields: Fields, key: string, type: SignType): boolean =>
  fields.get('sign') === signatureOf(fields, key, type)

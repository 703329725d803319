/**
 * APIv2 signatures: of our messages, of WeChat's, and `paySign` for `wx.requestPayment`.
 *
 * Rules: https://pay.weixin.qq.com/doc/v2/merchant/4011985891 (signature algorithm). HMAC-SHA256
 * uses the key twice: as the HMAC key and inside the message.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { PaymentArguments } from '../../ports.ts'
import type { Fields } from '../fields.ts'

export type SignType = 'MD5' | 'HMAC-SHA256'

interface Algorithm {
  readonly signLength: number
  readonly digest: (text: string, key: string) => string
}

const algorithms: Readonly<Record<SignType, Algorithm>> = {
  MD5: { signLength: 32, digest: (text) => hash('md5', text, 'hex') },
  'HMAC-SHA256': {
    signLength: 64,
    digest: (text, key) => createHmac('sha256', key).update(text, 'utf8').digest('hex'),
  },
}

/** All fields except `sign` and empty ones, in byte order of the names, as `name=value&` each. */
function toText(fields: Fields): string {
  let text = ''
  for (const name of [...fields.keys()].toSorted()) {
    const value = fields.get(name)
    if (name !== 'sign' && value) text += `${name}=${value}&`
  }
  return text
}

const signText = (text: string, key: string, type: SignType): string =>
  algorithms[type].digest(`${text}key=${key}`, key).toUpperCase()

/** The signature of a message: upper-case hex, 32 characters for MD5, 64 for HMAC-SHA256. */
export const sign = (fields: Fields, key: string, type: SignType): string =>
  signText(toText(fields), key, type)

/**
 * `paySign` of the arguments of `wx.requestPayment`. The rule is the same, with a fixed list of
 * names.
 */
export function signArguments(
  args: Omit<PaymentArguments, 'paySign' | 'signType'> & { readonly signType: SignType },
  key: string,
): string {
  const { appId, nonceStr, package: prepayId, signType, timeStamp } = args
  return signText(
    `appId=${appId}&nonceStr=${nonceStr}&package=${prepayId}&signType=${signType}&timeStamp=${timeStamp}&`,
    key,
    signType,
  )
}

/**
 * Returns the signature type of a correctly signed message. Null if `sign` is missing, has an
 * unknown length or a wrong value.
 *
 * The length of `sign` tells the algorithm. Both algorithms use the same key, and WeChat may sign a
 * notification with another type than its order.
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

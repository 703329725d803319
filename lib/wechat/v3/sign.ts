/**
 * APIv3 signatures of our messages: the header `Authorization`, and `paySign` for
 * `wx.requestPayment`. Both are SHA256-RSA with the merchant's private key.
 *
 * Rules: https://pay.weixin.qq.com/doc/v3/merchant/4012365342 (signature of a request).
 */
import { sign, type KeyObject } from 'node:crypto'
import type { PaymentArguments } from '../../ports.ts'
import type { V3Settings } from './settings.ts'

/** The only signature type that we use and accept. */
export const SIGNATURE_TYPE = 'WECHATPAY2-SHA256-RSA2048'

export interface SignedRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** The request target exactly as it is sent: path and query. */
  readonly target: string
  /** Empty for a request without a body. */
  readonly body: string
}

/** Signs the lines. A line feed ends each of them, the last one too. */
const signLines = (lines: readonly string[], privateKey: KeyObject): string =>
  sign('sha256', Buffer.from(`${lines.join('\n')}\n`, 'utf8'), privateKey).toString('base64')

const toSeconds = (at: Date): string => String(Math.floor(at.getTime() / 1000))

/** The value of `Authorization`. */
export function authorization(
  { mchId, merchant }: V3Settings,
  { method, target, body }: SignedRequest,
  at: Date,
  nonce: string,
): string {
  const timestamp = toSeconds(at)
  const signature = signLines([method, target, timestamp, nonce, body], merchant.privateKey)
  return (
    `${SIGNATURE_TYPE} mchid="${mchId}",nonce_str="${nonce}",signature="${signature}",` +
    `timestamp="${timestamp}",serial_no="${merchant.serial}"`
  )
}

/** The arguments of `wx.requestPayment`. */
export function signPaymentArguments(
  { appid, merchant }: V3Settings,
  prepayId: string,
  at: Date,
  nonce: string,
): PaymentArguments {
  const args = {
    appId: appid,
    timeStamp: toSeconds(at),
    nonceStr: nonce,
    package: `prepay_id=${prepayId}`,
  }
  return {
    ...args,
    signType: 'RSA',
    paySign: signLines(Object.values(args), merchant.privateKey),
  }
}

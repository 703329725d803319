/** Signs a message of WeChat, or spoils its signature as a fault demands. */
import { randomBytes, sign, verify, type KeyObject } from 'node:crypto'
import { isUnsigned, type Fault } from '../faults.ts'
import { OTHER_APPID, OTHER_MCH_ID } from '../signed-message.ts'
import type { V3 } from './account.ts'
import type { SigningKey } from './wechat-keys.ts'

/** Seconds between the clock and the signature. A client accepts at most five minutes. */
const offsets: ReadonlyMap<Fault['do'], number> = new Map([
  ['old-timestamp', -400],
  ['future-timestamp', 400],
])

export interface SignedText {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** The body and the headers of a message, as WeChat sends them or as the fault changes them. */
export function signText(
  { keys }: Pick<V3, 'keys'>,
  key: SigningKey,
  written: string,
  at: number,
  fault: Fault | null,
): SignedText {
  const body = withOtherValue(written, fault)
  const sent = fault?.do === 'tamper' ? tampered(body) : body
  if (isUnsigned(fault)) return { body: sent, headers: {} }
  const timestamp = String(
    Math.floor(at / 1000) + (fault === null ? 0 : (offsets.get(fault.do) ?? 0)),
  )
  const nonce = randomBytes(16).toString('hex')
  const { privateKey } = fault?.do === 'wrong-key' ? keys.foreign() : key
  const { serial } = fault?.do === 'wrong-serial' ? keys.foreign() : key
  const message = `${timestamp}\n${nonce}\n${body}\n`
  return {
    body: sent,
    headers: {
      'wechatpay-timestamp': timestamp,
      // An answer without a body has nothing else to change.
      'wechatpay-nonce': fault?.do === 'tamper' && body === '' ? `${nonce}0` : nonce,
      'wechatpay-serial': serial,
      'wechatpay-signature': sign('sha256', Buffer.from(message), privateKey).toString('base64'),
      'wechatpay-signature-type':
        fault?.do === 'other-signature-type'
          ? 'WECHATPAY2-SM2-WITH-SM3'
          : 'WECHATPAY2-SHA256-RSA2048',
    },
  }
}

/** The same JSON with another value, for which a fault asks. */
export function withOtherValue(json: string, fault: Fault | null): string {
  switch (fault?.do) {
    case 'wrong-appid':
      return json.replace(/(?<="appid":")[^"]*/, OTHER_APPID)
    case 'wrong-mch-id':
      return json.replace(/(?<="mchid":")[^"]*/, OTHER_MCH_ID)
    case 'wrong-amount':
      return raised(json)
    default:
      return json
  }
}

function raised(json: string): string {
  const amounts = json.includes('"refund":')
    ? /(?<="(?:payer_|settlement_)?refund":)\d+/g
    : /(?<="(?:payer_)?total":)\d+/g
  return json.replaceAll(amounts, (amount) => String(Number(amount) + 1))
}

/** Changes an amount if there is one, otherwise the last letter or digit of a value. */
function tampered(json: string): string {
  const other = raised(json)
  return other === json
    ? json.replace(/([0-9A-Za-z])(?="[^"]*$)/, (last) => (last === 'z' ? 'y' : 'z'))
    : other
}

/** Verifies the second signature of `wx.requestPayment`. */
export function isPaymentSignature(
  publicKey: KeyObject,
  fields: readonly [appid: string, timeStamp: string, nonceStr: string, packageText: string],
  paySign: string,
): boolean {
  const message = Buffer.from(paymentLines(fields))
  return verify('sha256', message, publicKey, Buffer.from(paySign, 'base64'))
}

export const paymentLines = (fields: readonly string[]): string =>
  fields.map((field) => `${field}\n`).join('')

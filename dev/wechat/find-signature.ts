/** Finds the signature of a message and its signed text, and whether the signature holds. */
import { createPublicKey, verify } from 'node:crypto'
import * as v from 'valibot'
import { signatureOf as pushSignatureOf } from './push/signature.ts'
import { paymentArgumentsSchema } from './request-payment.ts'
import { isSigned, textToSign, type Fields, type SignType } from './signature.ts'
import type { Account } from './simulation.ts'
import { readXml } from './xml.ts'
import type { V3 } from './v3/account.ts'
import { findSignedLines, linesToSign, readAuthorization } from './v3/authenticate.ts'
import { isPaymentSignature, paymentLines } from './v3/signature.ts'

/** One message as it was sent. */
export interface SentMessage {
  readonly method: string
  /** The path and the query. Empty for an answer. */
  readonly target: string
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface FoundSignature {
  /** The text that was signed. A key in it is replaced by `***`. */
  readonly text: string
  readonly algorithm: string
  readonly holds: boolean
}

interface Keys {
  readonly account: Account
  readonly v3: V3 | null
}

const MASKED = '***'

/** Returns null if the message has no signature. */
export const findSignature = (keys: Keys, message: SentMessage): FoundSignature | null =>
  ofV3Request(keys, message) ??
  ofV3Message(keys, message) ??
  ofPush(keys, message) ??
  ofXml(keys, message) ??
  ofPayment(keys, message)

const RSA = 'SHA256 with RSA'

function ofV3Request({ v3 }: Keys, message: SentMessage): FoundSignature | null {
  const fields = readAuthorization(message.headers['authorization'] ?? '')
  if (fields === null) return null
  const signed = v3 === null ? null : findSignedLines(v3.merchant.publicKey, fields, message)
  const text = signed ?? linesToSign(fields, message).toString()
  return { text, algorithm: RSA, holds: signed !== null }
}

function ofV3Message({ v3 }: Keys, { headers, body }: SentMessage): FoundSignature | null {
  const signature = headers['wechatpay-signature']
  if (signature === undefined) return null
  const { 'wechatpay-timestamp': timestamp, 'wechatpay-nonce': nonce } = headers
  const text = `${timestamp}\n${nonce}\n${body.toString()}\n`
  const key = v3?.keys.find(headers['wechatpay-serial'] ?? '')
  const holds =
    key !== undefined &&
    verify(
      'sha256',
      Buffer.from(text),
      createPublicKey(key.privateKey),
      Buffer.from(signature, 'base64'),
    )
  return { text, algorithm: RSA, holds }
}

const encryptedInJson = v.pipe(v.string(), v.parseJson(), v.object({ Encrypt: v.string() }))

/** The names of the signed texts. They are joined in byte order without a separator. */
function ofPush({ account }: Keys, { target, body }: SentMessage): FoundSignature | null {
  const query = new URLSearchParams(target.split('?')[1] ?? '')
  const [timestamp, nonce] = [query.get('timestamp'), query.get('nonce')]
  if (account.push === undefined || timestamp === null || nonce === null) return null
  const inMessage = query.get('msg_signature')
  const encrypted = inMessage === null ? [] : [readEncrypted(body)]
  const sign = (token: string) => pushSignatureOf(token, timestamp, nonce, ...encrypted)
  const parts = [`token ${MASKED}`, timestamp, nonce, ...encrypted]
  return {
    text: parts.join('\n'),
    algorithm: 'SHA-1 of the texts in byte order',
    holds: (inMessage ?? query.get('signature')) === sign(account.push.token),
  }
}

function readEncrypted(body: Buffer): string {
  const json = v.safeParse(encryptedInJson, body.toString())
  if (json.success) return json.output.Encrypt
  const xml = readXml(body)
  return xml.ok ? (xml.value.get('Encrypt') ?? '') : ''
}

function ofXml({ account }: Keys, { body }: SentMessage): FoundSignature | null {
  const read = body[0] === 0x3c ? readXml(body) : null
  return read?.ok === true ? ofFields(read.value, account.payKey) : null
}

/** The length of a signature says which algorithm made it. */
const MD5_LENGTH = 32

function ofFields(fields: Fields, key: string): FoundSignature | null {
  const sign = fields.get('sign') ?? ''
  if (sign === '') return null
  const algorithm: SignType = sign.length === MD5_LENGTH ? 'MD5' : 'HMAC-SHA256'
  return {
    text: textToSign(fields, MASKED),
    algorithm,
    holds: isSigned(fields, key, algorithm),
  }
}

const paymentInJson = v.pipe(v.string(), v.parseJson(), paymentArgumentsSchema)

/** The second signature, which the client passes to wx.requestPayment. */
function ofPayment({ account, v3 }: Keys, { body }: SentMessage): FoundSignature | null {
  const read = body[0] === 0x7b ? v.safeParse(paymentInJson, body.toString()) : null
  if (read?.success !== true) return null
  const { timeStamp, nonceStr, package: packageText, signType = 'MD5', paySign } = read.output
  if (signType !== 'RSA') {
    const fields = { appId: account.appid, timeStamp, nonceStr, package: packageText, signType }
    return ofFields(new Map(Object.entries({ ...fields, sign: paySign })), account.payKey)
  }
  const fields = [account.appid, timeStamp, nonceStr, packageText] as const
  return {
    text: paymentLines(fields),
    algorithm: RSA,
    holds: v3 !== null && isPaymentSignature(v3.merchant.publicKey, fields, paySign),
  }
}

/** Implementations of APIv3 messages, each by its public interface. */
import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { Aes, Formatter, Rsa } from 'wechatpay-axios-plugin'
import { newNonce } from '../../lib/wechat/nonce.ts'
import { readNotification } from '../../lib/wechat/v3/notification.ts'
import { configuredKeys } from '../../lib/wechat/v3/platform-keys.ts'
import type { V3Settings } from '../../lib/wechat/v3/settings.ts'
import { authorization, signPaymentArguments } from '../../lib/wechat/v3/sign.ts'
import { nameOf } from './peers.ts'

export interface Notification {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface V3Account extends V3Settings {
  /** The certificate of the merchant, with the key that signs its requests. */
  readonly certificate: string
  readonly privateKeyPem: string
  readonly platformSerial: string
  readonly platformKey: KeyObject
}

export interface V3Signer {
  readonly name: string
  /** Reads the number of the paid order; null if the notification is refused. */
  readonly createReader: (
    notification: Notification,
  ) => () => string | null | Promise<string | null>
  /** The value of `Authorization` for a request with this body. */
  readonly signRequest: (target: string, body: string) => string
  /** The arguments of `wx.requestPayment`. */
  readonly signPayment: (prepayId: string) => object
}

/** As the functions do it. They also check merchant, amount and time of a notification. */
export function createOurs(account: V3Account): V3Signer {
  const keys = configuredKeys(account)
  return {
    name: 'this project',
    createReader({ headers, body }) {
      const message = { headers: new Headers(headers), bytes: body, query: new URLSearchParams() }
      return async () => {
        const read = await readNotification(account, keys, message, new Date())
        return read.ok && read.value.kind === 'paid' ? read.value.confirmation.outTradeNo : null
      }
    },
    signRequest: (target, body) =>
      authorization(account, { method: 'POST', target, body }, new Date(), newNonce()),
    signPayment: (prepayId) => signPaymentArguments(account, prepayId, new Date(), newNonce()),
  }
}

const envelope = v.object({
  resource: v.object({
    ciphertext: v.string(),
    nonce: v.string(),
    associated_data: v.string(),
  }),
})
/** The library writes the JSON itself. */
const content = v.looseObject({})
const paid = v.object({ out_trade_no: v.string() })

/** As its manual reads a notification. */
export function createPlugin(account: V3Account): V3Signer {
  const { appid, mchId, apiKey, merchant, platformKey } = account
  return {
    name: nameOf('wechatpay-axios-plugin'),
    createReader:
      ({ headers, body }) =>
      () => {
        const text = body.toString('utf8')
        const { timestamp, nonce, signature } = namesOf(headers)
        if (!Rsa.verify(Formatter.response(timestamp, nonce, text), signature, platformKey))
          return null
        const { resource } = v.parse(envelope, JSON.parse(text))
        const plain = Aes.AesGcm.decrypt(
          resource.ciphertext,
          apiKey,
          resource.nonce,
          resource.associated_data,
        )
        return v.parse(paid, JSON.parse(plain)).out_trade_no
      },
    signRequest(target, body) {
      const [nonce, timestamp] = [Formatter.nonce(), Formatter.timestamp()]
      const text = Formatter.request('POST', target, timestamp, nonce, body)
      const signature = Rsa.sign(text, merchant.privateKey)
      return Formatter.authorization(mchId, nonce, signature, timestamp, merchant.serial)
    },
    signPayment(prepayId) {
      const args = {
        appId: appid,
        timeStamp: String(Formatter.timestamp()),
        nonceStr: Formatter.nonce(),
        package: `prepay_id=${prepayId}`,
      }
      const text = Formatter.joinedByLineFeed(...Object.values(args))
      return { ...args, signType: 'RSA', paySign: Rsa.sign(text, merchant.privateKey) }
    },
  }
}

interface NodeV3 {
  verifySign(message: object): Promise<boolean>
  decipher_gcm(ciphertext: string, associatedData: string, nonce: string, key: string): unknown
  buildAuthorization(method: string, url: string, body: object): string
  sign(text: string): string
}
type Constructor = (new (settings: object) => NodeV3) & { certificates: object }
const constructor = v.custom<Constructor>((value) => typeof value === 'function')

/** Its calls sign and send in one step, so the lines of its second signature are repeated here. */
export function createNodeV3(account: V3Account, load: (name: string) => unknown): V3Signer {
  const { appid, mchId, apiKey, merchant } = account
  const Pay = v.parse(constructor, load('wechatpay-node-v3'))
  const pay = new Pay({
    appid,
    mchid: mchId,
    serial_no: merchant.serial,
    publicKey: Buffer.from(account.certificate),
    privateKey: Buffer.from(account.privateKeyPem),
    key: apiKey,
  })
  const pem = account.platformKey.export({ type: 'spki', format: 'pem' })
  Pay.certificates = { [account.platformSerial]: pem }
  return {
    name: nameOf('wechatpay-node-v3'),
    createReader:
      ({ headers, body }) =>
      async () => {
        const text = body.toString('utf8')
        if (!(await pay.verifySign({ ...namesOf(headers), body: text, apiSecret: apiKey })))
          return null
        const { resource } = v.parse(envelope, JSON.parse(text))
        const { ciphertext, associated_data, nonce } = resource
        return v.parse(paid, pay.decipher_gcm(ciphertext, associated_data, nonce, apiKey))
          .out_trade_no
      },
    signRequest: (target, body) =>
      pay.buildAuthorization('POST', target, v.parse(content, JSON.parse(body))),
    signPayment(prepayId) {
      const args = {
        appId: appid,
        timeStamp: String(Math.floor(Date.now() / 1000)),
        nonceStr: Math.random().toString(36).slice(2, 17),
        package: `prepay_id=${prepayId}`,
      }
      const text = [...Object.values(args), ''].join('\n')
      return { ...args, signType: 'RSA', paySign: pay.sign(text) }
    },
  }
}

const namesOf = (headers: Notification['headers']) => ({
  timestamp: headers['wechatpay-timestamp'] ?? '',
  nonce: headers['wechatpay-nonce'] ?? '',
  serial: headers['wechatpay-serial'] ?? '',
  signature: headers['wechatpay-signature'] ?? '',
})

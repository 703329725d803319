/**
 * Implementations of APIv2 messages, each by its public interface, or by the lines behind it where
 * that would send.
 */
import * as v from 'valibot'
import { Formatter, Hash, Transformer } from 'wechatpay-axios-plugin'
import { newNonce } from '../../lib/wechat/nonce.ts'
import type { CallSettings } from '../../lib/wechat/v2/keys.ts'
import { readNotification } from '../../lib/wechat/v2/notification.ts'
import { createOrderCalls } from '../../lib/wechat/v2/pay.ts'
import type { SignType } from '../../lib/wechat/v2/sign.ts'
import { signedRequest } from '../../lib/wechat/v2/transport.ts'
import { account, orderContent, PREPAY_ID } from './message-samples.ts'
import { nameOf } from './peers.ts'

export interface Signer {
  readonly name: string
  /**
   * Whether a notification is signed correctly: from the received bytes to fields that can be used.
   */
  readonly verify: (bytes: Buffer) => boolean | Promise<boolean>
  /** A unified order as it is sent, with a nonce of the signer's own. */
  readonly writeOrder: () => string
  /** The arguments of `wx.requestPayment`. */
  readonly signPayment: () => object
}

/** As the functions do it. They also check appid, merchant, amount and time of a notification. */
export function createOurs(signType: SignType): Signer {
  const settings: CallSettings = {
    ...account,
    signType,
    hosts: ['https://api.mch.weixin.qq.com'],
    newNonce,
  }
  return {
    name: 'this project',
    async verify(bytes) {
      const notification = await readNotification(settings, bytes)
      return notification.ok && notification.value.kind === 'paid'
    },
    writeOrder: () => signedRequest(settings, new Map(Object.entries(orderContent))).body,
    signPayment: () => createOrderCalls(settings).signPayment(PREPAY_ID, new Date()),
  }
}

/** As axios calls them, with its configuration as `this`. */
const transforms = v.array(
  v.custom<(this: object, data: unknown) => unknown>((value) => typeof value === 'function'),
)

/**
 * The plugin does not handle a whole notification. Its manual reads one and compares the
 * signatures.
 */
export function createPlugin(type: SignType): Signer {
  const { appid, mchId, key } = account
  const request = v.parse(transforms, new Transformer(mchId, key).request)
  const config = { method: 'POST', url: '/v2/pay/unifiedorder' }
  return {
    name: nameOf('wechatpay-axios-plugin'),
    verify(bytes) {
      const fields: object = Transformer.toObject(bytes.toString('utf8'))
      const given = String(Reflect.get(fields, 'sign'))
      return Hash.equals(Hash.sign(given.length === 64 ? 'HMAC-SHA256' : 'MD5', fields, key), given)
    },
    writeOrder() {
      const order: unknown = { appid, mch_id: mchId, sign_type: type, ...orderContent }
      return String(request.reduce((data, transform) => transform.call(config, data), order))
    },
    signPayment() {
      const args = {
        appId: appid,
        timeStamp: String(Formatter.timestamp()),
        nonceStr: Formatter.nonce(),
        package: `prepay_id=${PREPAY_ID}`,
        signType: type,
      }
      return { ...args, paySign: Hash.sign(type, args, key) }
    },
  }
}

interface Tenpay {
  middlewareForExpress(
    type: 'pay',
  ): (request: object, response: object, next: () => void) => Promise<void>
  getPayParamsByPrepay(order: object, type: string): object
  _getSign(fields: object, type: string): string
}
const constructor = v.custom<new (settings: object) => Tenpay>(
  (value) => typeof value === 'function',
)
const lines = v.object({
  generate: v.custom<() => string>((value) => typeof value === 'function'),
  buildXML: v.custom<(fields: object) => string>((value) => typeof value === 'function'),
})

/**
 * tenpay builds, signs and sends a unified order in one call, so its lines that build and sign are
 * repeated here.
 */
export function createTenpay(type: SignType, load: (name: string) => unknown): Signer {
  const { generate, buildXML } = v.parse(lines, load('tenpay/lib/util'))
  const { appid, mchId, key } = account
  const payment = new (v.parse(constructor, load('tenpay')))({
    appid,
    mchid: mchId,
    partnerKey: key,
  })
  const middleware = payment.middlewareForExpress('pay')
  /** Used to refuse a notification. */
  const response = { header: () => undefined, send: () => undefined }
  return {
    name: nameOf('tenpay'),
    async verify(bytes) {
      let isAccepted = false
      await middleware({ body: bytes.toString('utf8') }, response, () => {
        isAccepted = true
      })
      return isAccepted
    },
    writeOrder() {
      const sender = { appid, mch_id: mchId, nonce_str: generate(), sign_type: type }
      const order = { ...orderContent, ...sender }
      return buildXML({ ...order, sign: payment['_getSign'](order, type) })
    },
    signPayment: () => payment.getPayParamsByPrepay({ prepay_id: PREPAY_ID }, type),
  }
}

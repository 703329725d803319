import * as v from 'valibot'
import { account, orderContent, PREPAY_ID } from './message-samples.ts'
import { nameOf } from './peers.ts'
import type { CreateSigner } from './signer.ts'

interface Plugin {
  readonly Formatter: { nonce(): string; timestamp(): number }
  readonly Hash: {
    sign(type: string, data: object, key: string): string
    equals(one: string, other: string): boolean
  }
  readonly Transformer: {
    new (mchId: string, key: string): { readonly request: readonly Transform[] }
    toObject(xml: string): Readonly<Record<string, string>>
  }
}
/** As axios calls them, with its configuration as `this`. */
type Transform = (this: object, data: unknown) => unknown

const isPlugin = (value: unknown): value is Plugin =>
  typeof value === 'function' && ['Formatter', 'Hash', 'Transformer'].every((name) => name in value)

/** wechatpay-axios-plugin. It has nothing for a notification as a whole: its manual reads it and compares the signatures. */
export const createPlugin: CreateSigner = (type, load) => {
  const { Formatter, Hash, Transformer } = v.parse(
    v.custom<Plugin>(isPlugin),
    load('wechatpay-axios-plugin'),
  )
  const { appid, mchId, key } = account
  const { request } = new Transformer(mchId, key)
  const config = { method: 'POST', url: '/v2/pay/unifiedorder' }
  return {
    name: nameOf('wechatpay-axios-plugin'),
    verify(bytes) {
      const fields = Transformer.toObject(bytes.toString('utf8'))
      const given = fields['sign'] ?? ''
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

import * as v from 'valibot'
import { account, orderContent, PREPAY_ID } from './message-samples.ts'
import { nameOf } from './peers.ts'
import type { CreateSigner } from './signer.ts'

interface Tenpay {
  middlewareForExpress(
    type: 'pay',
  ): (request: object, response: object, next: () => void) => Promise<void>
  getPayParamsByPrepay(order: object, type: string): object
  _getSign(fields: object, type: string): string
}
interface Lines {
  generate(): string
  buildXML(fields: object): string
}
type Constructor = new (settings: object) => Tenpay

const isConstructor = (value: unknown): value is Constructor =>
  typeof value === 'function' && 'init' in value
const isLines = (value: unknown): value is Lines =>
  typeof value === 'object' && value !== null && 'buildXML' in value

/** tenpay. Its unified order is built, signed and sent in one go, so the lines that build and sign stand here. */
export const createTenpay: CreateSigner = (type, load) => {
  const Payment = v.parse(v.custom<Constructor>(isConstructor), load('tenpay'))
  const { generate, buildXML } = v.parse(v.custom<Lines>(isLines), load('tenpay/lib/util'))
  const payment = new Payment({
    appid: account.appid,
    mchid: account.mchId,
    partnerKey: account.key,
  })
  const middleware = payment.middlewareForExpress('pay')
  /** What it answers a notification with that it does not believe. */
  const response = { header: () => undefined, send: () => undefined }
  return {
    name: nameOf('tenpay'),
    async verify(bytes) {
      let isTaken = false
      await middleware({ body: bytes.toString('utf8') }, response, () => {
        isTaken = true
      })
      return isTaken
    },
    writeOrder() {
      const order = {
        ...orderContent,
        appid: account.appid,
        mch_id: account.mchId,
        nonce_str: generate(),
        sign_type: type,
      }
      return buildXML({ ...order, sign: payment['_getSign'](order, type) })
    },
    signPayment: () => payment.getPayParamsByPrepay({ prepay_id: PREPAY_ID }, type),
  }
}

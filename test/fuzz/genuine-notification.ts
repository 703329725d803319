import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { demoV3Values, demoWechatPrivateKey } from '../../dev/world/demo-values.ts'
import { demoPay } from '../support/samples.ts'
import { field, withoutMark } from './json-fields.ts'
import {
  otherLibraryAccepts,
  readByGrammar,
  openRefundWithOtherLibrary,
} from './reference-readers.ts'
import { PRICE, type Shop } from './shop.ts'
import type { V3Wechat } from './v3-messages.ts'
import { otherLibraryOpens, otherLibraryVerifies } from './v3-readers.ts'

/**
 * Decides with another library's code whether a notification deserves SUCCESS. Three kinds do:
 * - a message with a valid signature that reports the full payment of one of our orders,
 * - a message with a valid signature about a failed payment,
 * - a refund notification that can be decrypted.
 *
 * @returns the order that the message reports as paid, `{ outTradeNo: null }` for a genuine message
 * without a payment, or null for a message that is not genuine.
 */
export function isGenuine(
  bytes: Uint8Array,
  orders: readonly string[],
  totalFee: string,
): { readonly outTradeNo: string | null } | null {
  const fields = readByGrammar(bytes, 'xml')
  const valueOf = (name: string) => fields?.get(name) ?? ''
  if (fields === null || valueOf('appid') !== demoPay.appid || valueOf('mch_id') !== demoPay.mchId)
    return null
  if (!fields.has('sign'))
    return openRefundWithOtherLibrary(valueOf('req_info'), demoPay.key) === null
      ? null
      : { outTradeNo: null }
  if (!otherLibraryAccepts(fields, demoPay.key) || valueOf('return_code') !== 'SUCCESS') return null
  if (valueOf('result_code') !== 'SUCCESS') return { outTradeNo: null }
  const isPayment =
    valueOf('total_fee') === totalFee &&
    ['', 'CNY'].includes(valueOf('fee_type')) &&
    orders.includes(valueOf('out_trade_no'))
  return isPayment ? { outTradeNo: valueOf('out_trade_no') } : null
}

const { WECHAT_PAY_V3_KEY: apiKey, WECHAT_PAY_PUBLIC_KEY_ID: keyId } = demoV3Values

/** The WeChat of the shop, which signs as the simulator does. */
export const wechatOf = ({ world }: Shop): V3Wechat => ({
  appid: world.env.WECHAT_APPID,
  mchId: world.env.WECHAT_MCH_ID,
  apiKey,
  keys: new Map([[keyId, createPrivateKey(demoWechatPrivateKey)]]),
  forgersKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  now: () => new Date(),
})

/**
 * The same decision for APIv3. A signed message deserves SUCCESS if its kind is unknown here, or if
 * it reports a refund, a failed payment or the full payment of one of our orders.
 */
export function isGenuineV3(
  { orderNumbers }: Shop,
  headers: Readonly<Record<string, string>>,
  bytes: Buffer,
): { readonly outTradeNo: string | null } | null {
  const keys = new Map([[keyId, createPublicKey(demoV3Values.WECHAT_PAY_PUBLIC_KEY)]])
  if (!otherLibraryVerifies(keys, new Headers(headers), bytes, new Date())) return null
  const envelope: unknown = JSON.parse(withoutMark(bytes))
  if (field(envelope, 'event_type') !== 'TRANSACTION.SUCCESS') return { outTradeNo: null }
  const opened = otherLibraryOpens(apiKey, field(envelope, 'resource'))
  if (opened === null) return null
  const plain: unknown = JSON.parse(withoutMark(Buffer.from(opened)))
  const isOther = ['combine_out_trade_no', 'sp_mchid', 'sub_mchid'].some(
    (name) => field(plain, name) !== undefined,
  )
  if (isOther || field(plain, 'trade_state') !== 'SUCCESS') return { outTradeNo: null }
  const outTradeNo = String(field(plain, 'out_trade_no'))
  const isPayment =
    field(plain, 'mchid') === demoPay.mchId &&
    field(plain, 'appid') === demoPay.appid &&
    field(plain, 'amount', 'total') === PRICE &&
    (field(plain, 'amount', 'currency') ?? 'CNY') === 'CNY' &&
    orderNumbers.includes(outTradeNo)
  return isPayment ? { outTradeNo } : null
}

import { demoPay } from '../support/samples.ts'
import {
  otherLibraryAccepts,
  readByGrammar,
  openRefundWithOtherLibrary,
} from './reference-readers.ts'

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
  const field = (name: string) => fields?.get(name) ?? ''
  if (fields === null || field('appid') !== demoPay.appid || field('mch_id') !== demoPay.mchId)
    return null
  if (!fields.has('sign'))
    return openRefundWithOtherLibrary(field('req_info'), demoPay.key) === null
      ? null
      : { outTradeNo: null }
  if (!otherLibraryAccepts(fields, demoPay.key) || field('return_code') !== 'SUCCESS') return null
  if (field('result_code') !== 'SUCCESS') return { outTradeNo: null }
  const isPayment =
    field('total_fee') === totalFee &&
    ['', 'CNY'].includes(field('fee_type')) &&
    orders.includes(field('out_trade_no'))
  return isPayment ? { outTradeNo: field('out_trade_no') } : null
}

import { demoPay } from '../support/samples.ts'
import { acceptsFields, readByGrammar, secondOpinionOnRefund } from './second-opinion.ts'

/**
 * Whether a notification deserves SUCCESS, found out with another library's signature code and nothing of ours: rightly signed, for
 * us, of an order we have and the whole of its amount; or that a payment failed; or a refund notification that opens.
 *
 * @returns the order it says is paid, null inside for a message that pays nothing, or null for what is not genuine.
 */
export function isGenuine(
  bytes: Uint8Array,
  orders: readonly string[],
  totalFee: string,
): { readonly outTradeNo: string | null } | null {
  const fields = readByGrammar(bytes, 'xml')
  const said = (name: string) => fields?.get(name) ?? ''
  if (fields === null || said('appid') !== demoPay.appid || said('mch_id') !== demoPay.mchId)
    return null
  if (!fields.has('sign'))
    return secondOpinionOnRefund(said('req_info'), demoPay.key) === null
      ? null
      : { outTradeNo: null }
  if (!acceptsFields(fields, demoPay.key) || said('return_code') !== 'SUCCESS') return null
  if (said('result_code') !== 'SUCCESS') return { outTradeNo: null }
  const isPayment =
    said('total_fee') === totalFee &&
    ['', 'CNY'].includes(said('fee_type')) &&
    orders.includes(said('out_trade_no'))
  return isPayment ? { outTradeNo: said('out_trade_no') } : null
}

/**
 * The fields that WeChat documents for a payment notification of a merchant of its own (protocol
 * 5.9).
 */
import type { Fields } from '../fields.ts'

const ALWAYS = [
  'appid',
  'bank_type',
  'cash_fee',
  'is_subscribe',
  'mch_id',
  'nonce_str',
  'openid',
  'out_trade_no',
  'result_code',
  'return_code',
  'sign',
  'time_end',
  'total_fee',
  'trade_type',
  'transaction_id',
]

const SOMETIMES = new Set([
  'attach',
  'cash_fee_type',
  'coupon_count',
  'coupon_fee',
  'coupon_id',
  'coupon_type',
  'device_info',
  'err_code',
  'err_code_des',
  'fee_type',
  'promotion_detail',
  'rate_value',
  'return_msg',
  'settlement_total_fee',
  'sign_type',
  'version',
])

const NUMBERED = /^coupon_(?:fee|id|type)_\d{1,3}$/

/**
 * The first field that is missing or not documented; null for a notification as documented.
 *
 * WeChat adds fields without announcing them, so an unknown field is no reason to refuse. But a
 * text that was signed for another product keeps that product's field names, so such a message is
 * trusted only after WeChat confirms it in a query.
 */
export function findUndocumented(fields: Fields): string | null {
  const missing = ALWAYS.find((name) => (fields.get(name) ?? '') === '')
  if (missing !== undefined) return missing
  return (
    [...fields.keys()].find(
      (name) => !ALWAYS.includes(name) && !SOMETIMES.has(name) && !NUMBERED.test(name),
    ) ?? null
  )
}

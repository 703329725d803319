import { err, ok, type Result } from './result.ts'
import { toBeijingDigits } from './time.ts'

declare const outTradeNo: unique symbol
declare const outRefundNo: unique symbol
declare const openid: unique symbol
declare const complaintId: unique symbol

/** The merchant's order number: 6 to 32 of letters, digits and `_-|*`, unique per merchant. */
export type OutTradeNo = string & { readonly [outTradeNo]: true }

/**
 * The merchant's refund number: 1 to 64 of letters, digits and `_-|*@`. The same number is the same
 * refund.
 */
export type OutRefundNo = string & { readonly [outRefundNo]: true }

/** The payer, as this Mini Program knows them. */
export type Openid = string & { readonly [openid]: true }

/** WeChat's number of a complaint. */
export type ComplaintId = string & { readonly [complaintId]: true }

/** `@` is refused in an order number, because only older pages of WeChat allow it. */
export const OUT_TRADE_NO = /^[0-9A-Za-z_\-|*]{6,32}$/
export const OUT_REFUND_NO = /^[0-9A-Za-z_\-|*@]{1,64}$/
/** WeChat documents 64 characters, and its numbers are digits. */
export const COMPLAINT_ID = /^[0-9A-Za-z_-]{1,64}$/
export const OPENID = /^[0-9A-Za-z_-]{1,128}$/

export function parseOutTradeNo(text: string): Result<OutTradeNo, 'not_an_order_number'> {
  return OUT_TRADE_NO.test(text) ? ok(text as OutTradeNo) : err('not_an_order_number')
}

export function parseOutRefundNo(text: string): Result<OutRefundNo, 'not_a_refund_number'> {
  return OUT_REFUND_NO.test(text) ? ok(text as OutRefundNo) : err('not_a_refund_number')
}

export function parseOpenid(text: string): Result<Openid, 'not_an_openid'> {
  return OPENID.test(text) ? ok(text as Openid) : err('not_an_openid')
}

export function parseComplaintId(text: string): Result<ComplaintId, 'not_a_complaint_number'> {
  return COMPLAINT_ID.test(text) ? ok(text as ComplaintId) : err('not_a_complaint_number')
}

/** A new order number: 14 digits of Beijing time, then 18 hex digits of nine random bytes. */
export function newOutTradeNo(at: Date, random: Uint8Array): OutTradeNo {
  return (toBeijingDigits(at) + Buffer.from(random.subarray(0, 9)).toString('hex')) as OutTradeNo
}

/**
 * Finds the cause that the text of a refusal names, often a field or a setting. The code does not
 * name it.
 *
 * Such a text may be unsigned. It selects the advice for a person and decides nothing else.
 */

export interface NamedCause {
  readonly code: string
  readonly remedy: string
}

const OPENID_OF_ANOTHER_APP: NamedCause = {
  code: 'PARAM_ERROR',
  remedy:
    'the openid of the order is not one of WECHAT_APPID: use the openid that a login of this Mini Program gave, and compare WECHAT_APPID in the Mini Program console',
}
const NOT_BOUND: NamedCause = {
  code: 'APPID_MCHID_NOT_MATCH',
  remedy:
    'WECHAT_APPID and WECHAT_MCH_ID are not bound: bind them in the merchant console under Product Center, AppID',
}
export const BAD_CERTIFICATE: NamedCause = {
  code: 'CERT_ERROR',
  remedy:
    'WeChat does not accept the certificate: WECHAT_PAY_CERT and WECHAT_PAY_CERT_KEY must be the current API certificate of this merchant number, see Account Center, API Security in the merchant console',
}

/**
 * The cause in a text that names two mismatched values or the client certificate. Such a text is
 * clear, whatever the code is.
 */
export function causeIn(text: string): NamedCause | null {
  if (/证书|certificate|\bcert\b|\bssl\b/i.test(text)) return BAD_CERTIFICATE
  if (!/match|匹配|不符|不一致|不对应/i.test(text) || !/appid/i.test(text)) return null
  if (/openid/i.test(text)) return OPENID_OF_ANOTHER_APP
  return /mch_?id|商户号/i.test(text) ? NOT_BOUND : null
}

/** The fields that we send, and the source of each value. */
const SOURCES: Readonly<Record<string, string>> = {
  appid: 'the variable WECHAT_APPID',
  mch_id: 'the variable WECHAT_MCH_ID',
  notify_url: 'the variable PUBLIC_URL',
  sign_type: 'the variable WECHAT_SIGN_TYPE',
  openid: 'the payer’s openid, which must be one of WECHAT_APPID',
  spbill_create_ip: 'the payer’s address',
  out_trade_no: 'outTradeNo of the order',
  transaction_id: 'transactionId of the order',
  total_fee: 'totalFee of the order',
  body: 'body of the order, or the name of its product',
  attach: 'attach of the order',
  time_expire: 'timeExpire of the order',
  time_start: 'createdAt of the order, and the clock of the server',
  out_refund_no: 'outRefundNo of the refund',
  refund_fee: 'refundFee of the refund',
  refund_desc: 'refundDesc of the refund',
}

/** Advice about the field of our request that the text names; null if it names none or several. */
export function fieldIn(text: string): string | null {
  const named = new Set(text.toLowerCase().match(/[a-z][a-z_]*/g) ?? [])
  const fields = Object.keys(SOURCES).filter((name) => named.has(name))
  const [field] = fields
  return field === undefined || fields.length > 1
    ? null
    : `WeChat does not accept the field ${field}: check ${SOURCES[field]}`
}

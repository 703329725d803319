/** A business failure: `result_code=FAIL`, signed. */
export interface Refusal {
  readonly code: string
  readonly text: string
}

export const OPENID_MISMATCH = 'appid与openid不匹配'

const texts: ReadonlyMap<string, string> = new Map([
  ['APPID_MCHID_NOT_MATCH', 'appid和mch_id不匹配'],
  ['APPID_NOT_EXIST', 'APPID不存在'],
  ['BIZERR_NEED_RETRY', '并发情况下，业务被拒绝，商户重试即可解决'],
  ['ERROR', '业务错误'],
  ['FREQUENCY_LIMITED', '频率超限'],
  ['INVALID_REQUEST', '201 商户订单号重复'],
  ['INVALID_REQ_TOO_MUCH', '无效请求过多'],
  ['INVALID_TRANSACTIONID', '无效transaction_id'],
  ['MCHID_NOT_EXIST', 'MCHID不存在'],
  ['NOAUTH', '商户无此接口权限'],
  ['NOTENOUGH', '用户账号余额不足'],
  ['NOT_UTF8', '编码格式错误'],
  ['ORDERCLOSED', '订单已关闭'],
  ['ORDERNOTEXIST', '订单不存在'],
  ['ORDERPAID', '该订单已支付'],
  ['OUT_TRADE_NO_USED', '商户订单号重复'],
  ['REFUNDNOTEXIST', 'not exist'],
  ['SIGNERROR', '签名错误'],
  ['SYSTEMERROR', '系统超时'],
  ['TRADE_OVERDUE', '订单已经超过退款期限'],
  ['TRADE_STATE_ERROR', '订单状态错误'],
  ['USER_ACCOUNT_ABNORMAL', '用户帐号注销，退款请求失败'],
])

/** A refusal with one of WeChat's codes, and with WeChat's usual text unless another is given. */
export const refusal = (code: string, text: string = texts.get(code) ?? code): Refusal => ({
  code,
  text,
})

export const lacks = (field: string): Refusal => refusal('LACK_PARAMS', `缺少参数${field}`)
export const malformed = (field: string): Refusal => refusal('PARAM_ERROR', `参数${field}格式错误`)

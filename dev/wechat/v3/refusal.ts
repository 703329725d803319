/** A refusal of APIv3: a status, a code, a text and the fine error number of `Request-ID`. */
export interface V3Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly number: number
  readonly detail?: Detail
}

export interface Detail {
  /** A JSON pointer, or the name of a parameter. */
  readonly field: string
  readonly value?: string
  readonly issue: string
  readonly location: 'body' | 'query' | 'path' | 'header' | 'authorization'
}

type Known = readonly [status: number, message: string, number?: number]

const known: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['ACCOUNT_ERROR', [403, '账号异常']],
  ['APPID_MCHID_NOT_MATCH', [400, 'appid和mch_id不匹配', 268445527]],
  ['FREQUENCY_LIMITED', [429, '频率超限', 268447840]],
  ['INVALID_REQUEST', [400, '无效请求']],
  ['MCH_NOT_EXISTS', [400, '商户号不存在']],
  ['NOT_ENOUGH', [403, '基本账户余额不足，请充值后重新发起']],
  ['NO_AUTH', [403, '商户无权限']],
  ['NO_STATEMENT_EXIST', [400, '账单文件不存在']],
  ['OPENID_MISMATCH', [500, 'openid和appid不匹配']],
  ['ORDER_CLOSED', [400, '订单已关闭', 268447914]],
  ['ORDER_NOT_EXIST', [404, '订单不存在', 268512771]],
  ['ORDER_PAID', [400, '该订单已支付', 268449538]],
  ['OUT_TRADE_NO_USED', [403, '商户订单号重复']],
  ['PARAM_ERROR', [400, '参数错误', 268435461]],
  ['RATELIMIT_EXCEEDED', [429, '请求频率超限']],
  ['RESOURCE_ALREADY_EXISTS', [400, '资源已存在']],
  ['RESOURCE_NOT_EXISTS', [404, '查询的资源不存在']],
  ['RULE_LIMIT', [403, '业务规则限制']],
  ['SERVICE_UNAVAILABLE', [503, '服务不可用']],
  ['SIGN_ERROR', [401, '签名错误，请检查后再试', 268443699]],
  ['STATEMENT_CREATING', [400, '账单文件正在生成中']],
  ['SYSTEM_ERROR', [500, '系统异常，请稍后重试']],
  ['TRADE_ERROR', [403, '交易错误']],
  ['USERPAYING', [202, '用户支付中']],
  ['USER_ACCOUNT_ABNORMAL', [403, '用户账号异常']],
])

/** Older lists write the codes without underscores. */
const bare = (code: string): string => code.replaceAll('_', '')
const statuses = new Map([...known].map(([code, [status]]) => [bare(code), status]))

/** A refusal with WeChat's status, and with its usual text unless another is given. */
export function refuse(
  code: string,
  {
    message,
    number,
    detail,
  }: { readonly message?: string | undefined; number?: number; detail?: Detail } = {},
): V3Refusal {
  const [status, usual, usualNumber] = known.get(code) ?? [statuses.get(bare(code)) ?? 400, code]
  return {
    status,
    code,
    message: message ?? usual,
    number: number ?? usualNumber ?? 268435456,
    ...(detail === undefined ? {} : { detail }),
  }
}

export const badParameter = (
  field: string,
  issue: string,
  location: Detail['location'] = 'body',
): V3Refusal => refuse('PARAM_ERROR', { message: issue, detail: { field, issue, location } })

/** Answers of api.weixin.qq.com: always HTTP 200, and failures have an `errcode`. */
import { randomBytes } from 'node:crypto'
import type { Answer } from './exchange.ts'

export interface ApiError {
  readonly errcode: number
  readonly errmsg: string
}

export const json = (body: object, contentType = 'application/json; charset=utf-8'): Answer => ({
  status: 200,
  contentType,
  body: JSON.stringify(body),
})

const usualText: ReadonlyMap<number, string> = new Map([
  [-1, 'system error'],
  [40001, 'invalid credential, access_token is invalid or not latest'],
  [40002, 'invalid grant_type'],
  [40013, 'invalid appid'],
  [40029, 'invalid code'],
  [40097, 'invalid args'],
  [40125, 'invalid appsecret'],
  [40163, 'code been used'],
  [40164, 'invalid ip, not in whitelist'],
  [40226, 'code blocked'],
  [41001, 'access_token missing'],
  [41002, 'appid missing'],
  [41004, 'appsecret missing'],
  [41008, 'missing code'],
  [42001, 'access_token expired'],
  [43002, 'require POST method'],
  [44990, 'reach max api minute limit'],
  [45009, 'reach max api daily quota limit'],
  [45011, 'api minute-quota reach limit  mustslower  retry next minute'],
  [47001, 'data format error'],
  [48001, 'api unauthorized'],
  [10060001, '支付单不存在'],
  [10060002, '支付单已完成发货，无法继续发货'],
  [10060003, '支付单已使用重新发货机会'],
  [10060004, '支付单处于不可发货的状态'],
  [10060005, '物流类型有误'],
  [10060006, '非快递发货时不允许分拆发货'],
  [10060007, '分拆发货模式下必须填写 is_all_delivered 字段'],
  [10060008, '商品描述 item_desc 字段不能为空'],
  [10060009, '商品描述 item_desc 字段太长'],
  [10060012, '系统错误'],
  [10060014, '参数错误'],
  [10060019, '系统错误'],
  [10060020, '该笔支付单在没有任何商品描述的情况下不允许完成发货'],
  [10060023, '发货信息未更新'],
  [10060024, '物流信息列表太长'],
  [10060025, '物流公司编码太长'],
  [10060026, '物流单号太长'],
  [10060028, '订单未发货'],
  [10060029, '签收时间有误'],
  [10060030, '订单已经通知过签收'],
  [10060031, '该笔支付单不属于 openid 所指定的用户'],
  [10060034, '未同意订单中心授权协议'],
  [10060035, '订单详情路径不合法'],
  [10060032, '物流类型不是快递'],
  [268485194, '订单单号类型有误'],
  [268485195, '微信支付单号不能为空'],
  [268485196, '商户号不能为空'],
  [268485197, '商户订单号不能为空'],
  [268485216, '上传时间非法，请按照 RFC 3339 格式填写'],
  [268485224, '发货模式非法'],
  [268485226, '物流单号不能为空'],
  [268485227, '物流公司编码不能为空'],
  [268485228, '统一发货模式下，物流信息列表长度必须为 1'],
])

/**
 * A failure with WeChat's usual text and a number for WeChat's support, as at the end of all of
 * them.
 */
export function apiError(
  errcode: number,
  errmsg: string = usualText.get(errcode) ?? 'error',
): ApiError {
  const rid = [0, 1, 2].map(() => randomBytes(4).toString('hex')).join('-')
  return { errcode, errmsg: `${errmsg}, rid: ${rid}` }
}

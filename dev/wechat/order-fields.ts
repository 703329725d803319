/** What WeChat demands of each field of a unified order, by itself. */
import { BlockList, isIP } from 'node:net'
import { parseOutTradeNo } from '../../lib/core/ids.ts'
import { parseFen } from '../../lib/core/money.ts'
import { parseBeijingDigits } from '../../lib/core/time.ts'
import type { Fields } from '../../lib/wechat/sign.ts'
import { lacks, malformed, type Refusal } from './refusal.ts'

type Rule = (value: string) => boolean

const atMost =
  (bytes: number): Rule =>
  (value) =>
    Buffer.byteLength(value) <= bytes
const oneOf =
  (...allowed: readonly string[]): Rule =>
  (value) =>
    allowed.includes(value)
const isMoment: Rule = (value) => parseBeijingDigits(value) !== null

/** 127 is counted in bytes: whether WeChat counts characters is not published, and bytes are the stricter reading. */
const required: Readonly<Record<string, Rule>> = {
  body: (value) => value.trim() !== '' && atMost(127)(value),
  out_trade_no: (value) => parseOutTradeNo(value).ok,
  total_fee: (value) => parseFen(value).ok,
  spbill_create_ip: (value) => isIP(value) !== 0 && !isLoopback(value),
  notify_url: isNotifyUrl,
  trade_type: oneOf('JSAPI'),
  openid: atMost(128),
}

const optional: Readonly<Record<string, Rule>> = {
  attach: atMost(127),
  detail: atMost(6000),
  device_info: atMost(32),
  fee_type: oneOf('CNY'),
  goods_tag: atMost(32),
  limit_pay: oneOf('no_credit'),
  product_id: atMost(32),
  profit_sharing: oneOf('Y', 'N'),
  receipt: atMost(8),
  scene_info: atMost(256),
  time_start: isMoment,
  time_expire: isMoment,
  version: atMost(32),
}

/** The first thing wrong with the fields taken one by one, or null. Absent and empty are the same. */
export function findBadOrderField(request: Fields): Refusal | null {
  const missing = Object.keys(required).find((name) => !request.has(name))
  if (missing !== undefined) return lacks(missing)
  const bad = Object.entries({ ...required, ...optional }).find(([name, accepts]) => !accepts(request.get(name) ?? '') && request.has(name))
  return bad === undefined ? null : malformed(bad[0])
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const isLoopback = (address: string): boolean => isIP(address) !== 0 && loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Plain http is let through for loopback only, so that the local world can be notified without a certificate. */
function isNotifyUrl(value: string): boolean {
  if (value.length > 256 || /[?#\s]/.test(value) || !URL.canParse(value)) return false
  const url = new URL(value)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return url.protocol === 'https:' || (url.protocol === 'http:' && (host === 'localhost' || isLoopback(host)))
}

/** The rules of WeChat for each field of a unified order. */
import { isIP } from 'node:net'
import { parseBeijingDigits } from './beijing.ts'
import type { Fields } from './signature.ts'
import {
  atMost,
  findBadField,
  isAmount,
  isLoopback,
  isNotifyUrl,
  isOrderNumber,
  oneOf,
  type Rule,
  type Rules,
} from './field-rules.ts'
import type { Refusal } from './refusal.ts'

const isMoment: Rule = (value) => parseBeijingDigits(value) !== null

const required: Rules = {
  body: (value) => value.trim() !== '' && atMost(127)(value),
  out_trade_no: isOrderNumber,
  total_fee: isAmount,
  spbill_create_ip: (value) => isIP(value) !== 0 && !isLoopback(value),
  notify_url: isNotifyUrl,
  trade_type: oneOf('JSAPI'),
  openid: atMost(128),
}

const optional: Rules = {
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

export const findBadOrderField = (request: Fields): Refusal | null =>
  findBadField(request, required, optional)

/**
 * Says what a pushed message is about. Nothing else in it is used: WeChat is asked about the order.
 */
import { fingerprint } from '../../core/fingerprint.ts'
import type { Push } from '../../ports.ts'
import type { PushFields } from './fields.ts'

/** Events about one order. */
const ABOUT_ORDERS: ReadonlySet<string> = new Set([
  'trade_manage_order_settlement',
  'trade_manage_remind_shipping',
])

/** Events that a person must act on. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'trade_manage_remind_access_api',
    'WeChat keeps the money of payments until a shipment is reported: set WECHAT_AUTO_SHIPPING, or call POST /api/shipping for each order',
  ],
  [
    'trade_manage_remind_shipping',
    'paid more than 48 hours ago, and no shipment is reported: call POST /api/shipping',
  ],
  [
    'wxa_trade_controlled',
    'WeChat restricts the payments of this Mini Program: mp.weixin.qq.com → 通知中心 says why',
  ],
])

/** The fields that identify an event. WeChat numbers only the messages that users write. */
const IDENTITY = ['FromUserName', 'CreateTime', 'Event', 'transaction_id', 'MsgType', 'MsgId']

export function toPush(fields: PushFields): Push {
  const name = nameOf(fields)
  return {
    id: fingerprint(IDENTITY.map((field) => fields.get(field) ?? null)),
    name,
    outTradeNo: ABOUT_ORDERS.has(name) ? (fields.get('merchant_trade_no') ?? null) : null,
    remedy: REMEDIES.get(name) ?? null,
  }
}

/** The name of an event, or the type of any other message, such as one that a user has written. */
function nameOf(fields: PushFields): string {
  const type = fields.get('MsgType') ?? ''
  const name = type === 'event' ? (fields.get('Event') ?? '') : `message ${type}`
  return /^(?:message )?[\w.-]{1,64}$/.test(name) ? name : 'unnamed'
}

import * as v from 'valibot'
import { err, ok } from '../result.ts'
import { parseRfc3339 } from '../beijing.ts'
import { isNotifyUrl } from '../field-rules.ts'
import { isKnownOpenid } from '../login.ts'
import { findOrder, isExpired, PREPAY_LIFE_MS, tradeStateOf } from '../order.ts'
import type { StoredOrder } from '../state.ts'
import { newPrepayId } from '../unified-order.ts'
import type { V3 } from './account.ts'
import { goods, readBody, text, wholeNumber } from './body.ts'
import type { V3Operation } from './call.ts'
import { badParameter, refuse, type V3Refusal } from './refusal.ts'

const SHORTEST_EXPIRY_MS = 60_000
const LONGEST_EXPIRY_MS = 90 * 86_400_000

export const notifyUrlSchema = v.pipe(
  text(255),
  v.check(isNotifyUrl, '回调地址必须为不带参数的HTTPS地址'),
)
const moment = v.pipe(
  text(64),
  v.check((value) => parseRfc3339(value) !== null, '时间格式错误'),
)

const orderSchema = v.strictObject({
  appid: text(32),
  mchid: text(32),
  description: text(127),
  out_trade_no: v.pipe(v.string(), v.regex(/^[0-9A-Za-z_\-|*]{6,32}$/, '商户订单号格式错误')),
  time_expire: v.exactOptional(moment),
  attach: v.exactOptional(text(128)),
  notify_url: notifyUrlSchema,
  goods_tag: v.exactOptional(text(32)),
  support_fapiao: v.exactOptional(v.boolean()),
  limit_pay: v.exactOptional(v.array(v.literal('no_balance'))),
  amount: v.strictObject({
    total: wholeNumber(1),
    currency: v.exactOptional(v.literal('CNY')),
  }),
  payer: v.strictObject({ openid: text(128) }),
  detail: v.exactOptional(
    v.strictObject({
      cost_price: v.exactOptional(wholeNumber(0)),
      invoice_id: v.exactOptional(text(32)),
      goods_detail: v.exactOptional(goods({ quantity: wholeNumber(1) })),
    }),
  ),
  scene_info: v.exactOptional(
    v.strictObject({
      payer_client_ip: text(45),
      device_id: v.exactOptional(text(32)),
      store_info: v.exactOptional(
        v.strictObject({
          id: text(32),
          name: v.exactOptional(text(256)),
          area_code: v.exactOptional(text(32)),
          address: v.exactOptional(text(512)),
        }),
      ),
    }),
  ),
  settle_info: v.exactOptional(v.strictObject({ profit_sharing: v.exactOptional(v.boolean()) })),
})

type OrderRequest = v.InferOutput<typeof orderSchema>

/** Creates an order, or returns the `prepay_id` of an existing one with the same content. */
export const prepay: V3Operation = ({ simulation, v3, incoming }) => {
  const read = readBody(orderSchema, incoming)
  if (!read.ok) return read
  const request = read.value
  const { account, state } = simulation
  if (request.mchid !== account.mchId)
    return err(badParameter('/mchid', '商户号与签名的商户号不一致'))
  if (request.appid !== account.appid) return err(refuse('APPID_MCHID_NOT_MATCH'))
  if (!isKnownOpenid(state, request.payer.openid))
    // WeChat's pages name both codes.
    return err(
      v3.takeTurn() === 'first'
        ? badParameter('/payer/openid', 'openid与appid不匹配')
        : refuse('OPENID_MISMATCH'),
    )
  const now = simulation.now()
  const known = findOrder(state, request.out_trade_no)
  const conflict = known === undefined ? null : findConflict(v3, known, request, now)
  if (conflict !== null) return err(conflict)
  const order = known ?? newOrder(request, now)
  if (known === undefined) state.orders.push(order)
  if (now - order.prepaidAt >= PREPAY_LIFE_MS) {
    order.prepayId = newPrepayId(now)
    order.prepaidAt = now
  }
  return ok({ prepay_id: order.prepayId })
}

function findConflict(
  v3: V3,
  order: StoredOrder,
  request: OrderRequest,
  now: number,
): V3Refusal | null {
  // WeChat publishes the number, and not the code.
  if (order.payment !== null)
    return refuse(v3.takeTurn() === 'first' ? 'INVALID_REQUEST' : 'RULE_LIMIT', {
      message: '该订单已支付',
      number: 268449538,
    })
  if (tradeStateOf(order, now) === 'CLOSED' || isExpired(order, now)) return refuse('ORDER_CLOSED')
  const same = order.signType === 'RSA' && order.request['v3'] === JSON.stringify(request)
  return same
    ? null
    : refuse('INVALID_REQUEST', {
        message: '请求重入时，参数与首次请求时不一致',
        number: 268498688,
      })
}

const newOrder = (request: OrderRequest, now: number): StoredOrder => ({
  outTradeNo: request.out_trade_no,
  openid: request.payer.openid,
  totalFee: request.amount.total,
  signType: 'RSA',
  notifyUrl: request.notify_url,
  request: {
    body: request.description,
    attach: request.attach ?? '',
    device_info: request.scene_info?.device_id ?? '',
    v3: JSON.stringify(request),
  },
  createdAt: now,
  expiresAt: expiryOf(request, now),
  prepayId: newPrepayId(now),
  prepaidAt: now,
  closedAt: null,
  payment: null,
  refunds: [],
  shipment: null,
})

/** WeChat raises an expiry that is too early and lowers one that is too late. */
function expiryOf({ time_expire }: OrderRequest, now: number): number | null {
  if (time_expire === undefined) return null
  const latest = Math.min(Date.parse(time_expire), now + LONGEST_EXPIRY_MS)
  return Math.max(latest, now + SHORTEST_EXPIRY_MS)
}

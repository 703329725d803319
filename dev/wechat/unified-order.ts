import { randomBytes } from 'node:crypto'
import { err, ok } from './result.ts'
import { parseBeijingDigits, toBeijingDigits } from './beijing.ts'
import type { Fields, SignType } from './signature.ts'
import type { Operation } from './envelope.ts'
import { isKnownOpenid } from './login.ts'
import { findBadOrderField } from './order-fields.ts'
import { findOrder, isExpired, PREPAY_LIFE_MS, tradeStateOf } from './order.ts'
import { malformed, OPENID_MISMATCH, refusal, type Refusal } from './refusal.ts'
import type { StoredOrder } from './state.ts'

const SHORTEST_EXPIRY_MS = 60_000

/**
 * Creates an order, or returns the `prepay_id` of an existing one.
 *
 * A request with the same content, except for nonce and signature, names the same order, even after
 * its times have passed. The times of a new order must be in the future.
 */
export const unifiedOrder: Operation = (simulation, request, signType) => {
  const now = simulation.now()
  const bad = findBadOrderField(request)
  if (bad !== null) return err(bad)
  if (!isKnownOpenid(simulation.state, request.get('openid') ?? ''))
    return err(refusal('PARAM_ERROR', OPENID_MISMATCH))
  const known = findOrder(simulation.state, request.get('out_trade_no') ?? '')
  const refused =
    known === undefined ? findBadTimes(request, now) : findConflict(known, request, now)
  if (refused !== null) return err(refused)
  const order = known ?? newOrder(request, signType, now)
  if (known === undefined) simulation.state.orders.push(order)
  if (now - order.prepaidAt >= PREPAY_LIFE_MS) {
    order.prepayId = newPrepayId(now)
    order.prepaidAt = now
  }
  return ok([
    ['device_info', request.get('device_info') ?? ''],
    ['trade_type', 'JSAPI'],
    ['prepay_id', order.prepayId],
  ])
}

function findBadTimes(request: Fields, now: number): Refusal | null {
  const expiry = parseBeijingDigits(request.get('time_expire') ?? '')
  if (expiry === null) return null
  const start = parseBeijingDigits(request.get('time_start') ?? '')
  if (expiry - now < SHORTEST_EXPIRY_MS)
    return refusal('PARAM_ERROR', 'time_expire时间过短，刷卡至少1分钟，其他5分钟')
  return start !== null && expiry <= start ? malformed('time_expire') : null
}

function findConflict(order: StoredOrder, request: Fields, now: number): Refusal | null {
  if (order.payment !== null) return refusal('ORDERPAID')
  if (tradeStateOf(order, now) === 'CLOSED' || isExpired(order, now)) return refusal('ORDERCLOSED')
  const same = JSON.stringify(order.request) === JSON.stringify(contentOf(request))
  return same ? null : refusal('INVALID_REQUEST')
}

function newOrder(request: Fields, signType: SignType, now: number): StoredOrder {
  return {
    outTradeNo: request.get('out_trade_no') ?? '',
    openid: request.get('openid') ?? '',
    totalFee: Number(request.get('total_fee')),
    signType,
    notifyUrl: request.get('notify_url') ?? '',
    request: contentOf(request),
    createdAt: now,
    expiresAt: parseBeijingDigits(request.get('time_expire') ?? ''),
    prepayId: newPrepayId(now),
    prepaidAt: now,
    closedAt: null,
    payment: null,
    refunds: [],
    shipment: null,
  }
}

const contentOf = (request: Fields): Record<string, string> =>
  Object.fromEntries(
    [...request]
      .filter(([name]) => name !== 'nonce_str' && name !== 'sign')
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )

export const newPrepayId = (now: number): string =>
  `wx${toBeijingDigits(now)}${randomBytes(10).toString('hex')}`

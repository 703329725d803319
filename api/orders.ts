import { toOrderView } from '../lib/core/order.ts'
import { clientAddress } from '../lib/http/client-address.ts'
import { toCursor } from '../lib/http/cursor.ts'
import { callersOf, limit } from '../lib/http/limit.ts'
import { readIdempotencyKey } from '../lib/http/idempotency-key.ts'
import { readQuery, readRequest } from '../lib/http/read-request.ts'
import { basketRequest, listRequest, pricedRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/authenticate.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { listOrders } from '../lib/steps/list-orders.ts'
import { placeFromCatalogue, placePriced } from '../lib/steps/place-order.ts'

/** Places an order: a payer's at catalogue prices, or the merchant's at its own price. */
export const post: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['user', 'merchant'])
  if (!caller.ok) return caller
  const limited = limit(edge, 'orders', callersOf(request, caller.value))
  if (!limited.ok) return limited
  const key = readIdempotencyKey(request)
  if (!key.ok) return key
  const sent = { idempotencyKey: key.value, clientIp: clientAddress(request) }
  if (caller.value.kind === 'user') {
    const basket = await readRequest(request, basketRequest)
    if (!basket.ok) return basket
    const placed = await placeFromCatalogue(deps, caller.value.openid, basket.value.items, {
      ...sent,
      attach: basket.value.attach,
    })
    if (!placed.ok) return placed
    deps.setLogOrder(placed.value.order.outTradeNo)
    return reply(201, toOrderView(placed.value.order))
  }
  const priced = await readRequest(request, pricedRequest)
  if (!priced.ok) return priced
  const placed = await placePriced(deps, priced.value, { ...sent, attach: priced.value.attach })
  if (!placed.ok) return placed
  deps.setLogOrder(placed.value.order.outTradeNo)
  return reply(placed.value.repeatedBy === 'number' ? 200 : 201, toOrderView(placed.value.order))
}

/** Lists orders, newest first: a payer's own, or all for the merchant. */
export const get: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['user', 'merchant'])
  if (!caller.ok) return caller
  const asked = readQuery(request, listRequest)
  if (!asked.ok) return asked
  const { orders, next } = await listOrders(deps, caller.value, asked.value)
  return reply(200, {
    orders: orders.map(toOrderView),
    ...(next === null ? {} : { nextCursor: toCursor(next) }),
  })
}

export default serve('orders', { GET: get, POST: post }, { afterwards: catchUp })

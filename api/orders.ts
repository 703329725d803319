import { orderViewFor } from '../lib/core/caller.ts'
import { clientAddress } from '../lib/http/client-address.ts'
import { toCursor } from '../lib/http/cursor.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { readIdempotencyKey } from '../lib/http/idempotency-key.ts'
import { listRequest, merchantListRequest } from '../lib/http/list-request.ts'
import { readQuery, readRequest } from '../lib/http/read-request.ts'
import { basketRequest, pricedRequest } from '../lib/http/requests.ts'
import { reply, serve } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { listOrders } from '../lib/steps/list-orders.ts'
import { placeFromCatalogue, placePriced } from '../lib/steps/place-order.ts'
import { viewOrders } from '../lib/steps/view-orders.ts'

/** Places an order: a payer's at catalogue prices, or the merchant's at its own price. */
export const post = forCallers(
  { allow: ['user', 'merchant'], limit: 'orders', read: readIdempotencyKey },
  async (deps, caller, idempotencyKey, request) => {
    const sent = { idempotencyKey, clientIp: clientAddress(request) }
    const placing = async () => {
      if (caller.kind === 'user') {
        const asked = await readRequest(request, basketRequest)
        if (!asked.ok) return asked
        const { items, attach } = asked.value
        return placeFromCatalogue(deps, caller, items, { ...sent, attach })
      }
      const asked = await readRequest(request, pricedRequest)
      if (!asked.ok) return asked
      return placePriced(deps, asked.value, { ...sent, attach: asked.value.attach })
    }
    const placed = await placing()
    if (!placed.ok) return placed
    const { order, repeatedBy } = placed.value
    deps.setLogOrder(order.outTradeNo)
    return reply(repeatedBy === 'number' ? 200 : 201, orderViewFor(caller)(order))
  },
)

/** Lists orders, newest first: a payer's own, or all for the merchant. */
export const get = forCallers(
  {
    allow: ['user', 'merchant'],
    read: (request, caller) =>
      caller.kind === 'user'
        ? readQuery(request, listRequest)
        : readQuery(request, merchantListRequest),
  },
  async (deps, caller, asked) => {
    const { orders, next } = await listOrders(deps, caller, asked)
    return reply(200, {
      orders: await viewOrders(deps, caller, orders),
      ...(next === null ? {} : { nextCursor: toCursor({ last: next, list: asked.list }) }),
    })
  },
)

export default serve('orders', { GET: get, POST: post }, { afterwards: catchUp })

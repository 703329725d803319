import { orderViewFor, type Caller } from '../lib/core/caller.ts'
import type { OutTradeNo } from '../lib/core/ids.ts'
import { ok, type Outcome } from '../lib/core/result.ts'
import { clientAddress } from '../lib/http/client-address.ts'
import { toCursor } from '../lib/http/cursor.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { readIdempotencyKey } from '../lib/http/idempotency-key.ts'
import { listRequest, merchantListRequest } from '../lib/http/list-request.ts'
import { readQuery, readRequest } from '../lib/http/read-request.ts'
import { basketRequest, pricedRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { listOrders } from '../lib/steps/list-orders.ts'
import { placeAndPrepay, type PlacedWithPayment } from '../lib/steps/place-and-prepay.ts'
import {
  newNumber,
  placeFromCatalogue,
  placePriced,
  type Asked,
  type Placed,
} from '../lib/steps/place-order.ts'
import { viewOrders } from '../lib/steps/view-orders.ts'

/** Places an order: a payer's at catalogue prices, or the merchant's at its own price. */
export const post = forCallers(
  { allow: ['user', 'merchant'], limit: 'orders', read: readIdempotencyKey },
  async (deps, caller, idempotencyKey, request) => {
    const sent = { idempotencyKey, clientIp: clientAddress(request), newNumber: newNumber(deps) }
    const asked = await readPlacing(deps, caller, sent, request)
    if (!asked.ok) return asked
    const { prepay, number, place } = asked.value
    const placed: Outcome<Placed & Partial<PlacedWithPayment>> = await (prepay
      ? placeAndPrepay(deps, number, place)
      : place())
    if (!placed.ok) return placed
    const { order, repeatedBy, payment } = placed.value
    deps.setLogOrder(order.outTradeNo)
    const view = orderViewFor(caller)(order)
    const status = repeatedBy === 'number' ? 200 : 201
    if (payment === undefined) return reply(status, view)
    return payment.ok
      ? reply(status, { order: view, payment: payment.value })
      : ok({ status, body: { order: view, payment: null }, missing: payment.error })
  },
)

interface Placing {
  /** Whether the answer also has the payment. */
  readonly prepay: boolean
  /** The number of a new order. */
  readonly number: OutTradeNo
  readonly place: () => Promise<Outcome<Placed>>
}

async function readPlacing(
  deps: Parameters<Handler>[1],
  caller: Exclude<Caller, { readonly kind: 'cron' }>,
  sent: Omit<Asked, 'attach'>,
  request: Request,
): Promise<Outcome<Placing>> {
  if (caller.kind === 'user') {
    const asked = await readRequest(request, basketRequest)
    if (!asked.ok) return asked
    const { items, attach, prepay } = asked.value
    const place = () => placeFromCatalogue(deps, caller, items, { ...sent, attach })
    return ok({ prepay, number: sent.newNumber, place })
  }
  const asked = await readRequest(request, pricedRequest)
  if (!asked.ok) return asked
  const { outTradeNo: number = sent.newNumber, attach, prepay } = asked.value
  return ok({ prepay, number, place: () => placePriced(deps, asked.value, { ...sent, attach }) })
}

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

export default serve(
  'orders',
  { GET: get, POST: post },
  {
    afterwards: catchUp,
    // The order may be prepaid in the same call.
    waitsFor: { POST: ['database', 'redis', 'wechat pay'], GET: ['database'] },
  },
)

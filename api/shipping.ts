import { toShipmentView } from '../lib/core/shipment.ts'
import { shippingViewFor } from '../lib/core/shipping-view.ts'
import { toRfc3339 } from '../lib/core/time.ts'
import { toCursor } from '../lib/http/cursor.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf, readQuery } from '../lib/http/read-request.ts'
import { orderRequest } from '../lib/http/requests.ts'
import {
  FROZEN_LIST,
  merchantShippingQuery,
  shippingOrReceipt,
} from '../lib/http/shipping-requests.ts'
import { reply, replyWith, serve } from '../lib/http/serve.ts'
import { listFrozen, readShipping } from '../lib/steps/read-shipping.ts'
import { reportReceipt } from '../lib/steps/report-receipt.ts'
import { ship } from '../lib/steps/ship.ts'

/** Reports to WeChat that an order is shipped, or that its carrier has delivered it. */
export const post = forCallers(
  { allow: ['merchant'], read: bodyOf(shippingOrReceipt) },
  async (deps, _, asked) => {
    if ('receivedAt' in asked)
      return replyWith(200, await reportReceipt(deps, asked), ({ outTradeNo, receivedAt }) => ({
        outTradeNo,
        receivedAt: toRfc3339(receivedAt),
      }))
    const { items: parcels, ...draft } = asked
    return replyWith(200, await ship(deps, { ...draft, parcels }), toShipmentView)
  },
)

/**
 * Returns an order with its shipment. Without an order number, lists the orders whose money is
 * frozen, for the merchant.
 */
export const get = forCallers(
  {
    allow: ['user', 'merchant'],
    limit: 'shipping',
    read: (request, caller) =>
      readQuery(request, caller.kind === 'user' ? orderRequest : merchantShippingQuery),
  },
  async (deps, caller, asked) => {
    const view = shippingViewFor(caller)
    if ('outTradeNo' in asked)
      return replyWith(200, await readShipping(deps, caller, asked.outTradeNo), view)
    const { found, next } = await listFrozen(deps, asked)
    return reply(200, {
      orders: found.map(view),
      ...(next === null ? {} : { nextCursor: toCursor({ last: next, list: FROZEN_LIST }) }),
    })
  },
)

export default serve('shipping', { GET: get, POST: post })

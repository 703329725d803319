import { toShipmentView } from '../lib/core/shipment.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf } from '../lib/http/read-request.ts'
import { shippingRequest } from '../lib/http/shipping-requests.ts'
import { replyWith, serve } from '../lib/http/serve.ts'
import { ship } from '../lib/steps/ship.ts'

/** Reports the merchant's shipment to WeChat. */
export const post = forCallers(
  { allow: ['merchant'], read: bodyOf(shippingRequest) },
  async (deps, _, { items: parcels, ...asked }) =>
    replyWith(200, await ship(deps, { ...asked, parcels }), toShipmentView),
)

export default serve('shipping', { POST: post })

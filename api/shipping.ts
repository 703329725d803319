import { toShipmentView } from '../lib/core/shipment.ts'
import { readRequest } from '../lib/http/read-request.ts'
import { shippingRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/authenticate.ts'
import { ship } from '../lib/steps/ship.ts'

/** Reports the merchant's shipment to WeChat. */
export const post: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['merchant'])
  if (!caller.ok) return caller
  const asked = await readRequest(request, shippingRequest)
  if (!asked.ok) return asked
  const { outTradeNo, logisticsType, items } = asked.value
  deps.setLogOrder(outTradeNo)
  const shipped = await ship(deps, { outTradeNo, logisticsType, parcels: items })
  return shipped.ok ? reply(200, toShipmentView(shipped.value)) : shipped
}

export default serve('shipping', { POST: post })

import { toOrderView } from '../lib/core/order.ts'
import { readRequest } from '../lib/http/read-request.ts'
import { orderRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/authenticate.ts'
import { close } from '../lib/steps/close.ts'

/** Closes an unpaid order, at WeChat and here. */
export const post: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['user', 'merchant'])
  if (!caller.ok) return caller
  const asked = await readRequest(request, orderRequest)
  if (!asked.ok) return asked
  deps.setLogOrder(asked.value.outTradeNo)
  const order = await close(deps, caller.value, asked.value.outTradeNo)
  return order.ok ? reply(200, toOrderView(order.value)) : order
}

export default serve('close', { POST: post })

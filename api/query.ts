import { toOrderView } from '../lib/core/order.ts'
import { readQuery } from '../lib/http/read-request.ts'
import { queryRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/authenticate.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { query } from '../lib/steps/query.ts'

/** Returns an order. Queries WeChat first unless its state is final. */
export const get: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['user', 'merchant'])
  if (!caller.ok) return caller
  const wanted = readQuery(request, queryRequest)
  if (!wanted.ok) return wanted
  if ('outTradeNo' in wanted.value) deps.setLogOrder(wanted.value.outTradeNo)
  const order = await query(deps, caller.value, wanted.value)
  return order.ok ? reply(200, toOrderView(order.value)) : order
}

export default serve('query', { GET: get }, { afterwards: catchUp })

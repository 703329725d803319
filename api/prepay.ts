import { callersOf, limit } from '../lib/http/limit.ts'
import { readRequest } from '../lib/http/read-request.ts'
import { orderRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/authenticate.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { prepay } from '../lib/steps/prepay.ts'

/** Returns the argument of `wx.requestPayment` for an order. */
export const post: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['user', 'merchant'])
  if (!caller.ok) return caller
  const limited = limit(edge, 'prepay', callersOf(request, caller.value))
  if (!limited.ok) return limited
  const asked = await readRequest(request, orderRequest)
  if (!asked.ok) return asked
  deps.setLogOrder(asked.value.outTradeNo)
  const payment = await prepay(deps, caller.value, asked.value.outTradeNo)
  return payment.ok ? reply(200, payment.value) : payment
}

export default serve('prepay', { POST: post }, { afterwards: catchUp })

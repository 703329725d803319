import { toRefundView } from '../lib/core/refund.ts'
import { readQuery, readRequest } from '../lib/http/read-request.ts'
import { refundQuery, refundRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/authenticate.ts'
import { queryRefund } from '../lib/steps/query-refund.ts'
import { refund } from '../lib/steps/request-refund.ts'

/** Refunds an order. The answer is 202, because WeChat pays the refund out later. */
export const post: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['merchant'])
  if (!caller.ok) return caller
  const asked = await readRequest(request, refundRequest)
  if (!asked.ok) return asked
  deps.setLogOrder(asked.value.outTradeNo)
  const refunded = await refund(deps, asked.value)
  return refunded.ok ? reply(202, toRefundView(refunded.value)) : refunded
}

/** Returns a refund. Queries WeChat first unless its state is final. */
export const get: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['user', 'merchant'])
  if (!caller.ok) return caller
  const wanted = readQuery(request, refundQuery)
  if (!wanted.ok) return wanted
  const found = await queryRefund(deps, caller.value, wanted.value.outRefundNo)
  if (!found.ok) return found
  const view = toRefundView(found.value)
  if (caller.value.kind === 'merchant') return reply(200, view)
  // WeChat's reason, such as an empty balance, is for the merchant only.
  const { errCode: _, errText: __, ...ofPayer } = view
  return reply(200, ofPayer)
}

export default serve('refund', { GET: get, POST: post })

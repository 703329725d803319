import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf } from '../lib/http/read-request.ts'
import { orderRequest } from '../lib/http/requests.ts'
import { replyWith, serve } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { prepay } from '../lib/steps/prepay.ts'

/** Returns the argument of `wx.requestPayment` for an order. */
export const post = forCallers(
  { allow: ['user', 'merchant'], limit: 'prepay', read: bodyOf(orderRequest) },
  async (deps, caller, { outTradeNo }) => replyWith(200, await prepay(deps, caller, outTradeNo)),
)

export default serve(
  'prepay',
  { POST: post },
  {
    afterwards: catchUp,
    waitsFor: { POST: ['database', 'redis', 'wechat pay'] },
  },
)

import { orderViewFor } from '../lib/core/caller.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf } from '../lib/http/read-request.ts'
import { orderRequest } from '../lib/http/requests.ts'
import { replyWith, serve } from '../lib/http/serve.ts'
import { close } from '../lib/steps/close.ts'

/** Closes an unpaid order, at WeChat and here. */
export const post = forCallers(
  { allow: ['user', 'merchant'], read: bodyOf(orderRequest) },
  async (deps, caller, { outTradeNo }) =>
    replyWith(200, await close(deps, caller, outTradeNo), orderViewFor(caller)),
)

export default serve('close', { POST: post }, { waitsFor: { POST: ['database', 'wechat pay'] } })

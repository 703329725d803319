import type { Caller } from '../lib/core/caller.ts'
import { toRefundView, type Refund } from '../lib/core/refund.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf, queryOf } from '../lib/http/read-request.ts'
import { refundQuery, refundRequest } from '../lib/http/requests.ts'
import { replyWith, serve } from '../lib/http/serve.ts'
import { listOrderRefunds } from '../lib/steps/list-order-refunds.ts'
import { queryRefund } from '../lib/steps/query-refund.ts'
import { refund } from '../lib/steps/request-refund.ts'

/** Refunds an order. The answer is 202, because WeChat pays the refund out later. */
export const post = forCallers(
  { allow: ['merchant'], read: bodyOf(refundRequest) },
  async (deps, _, asked) => replyWith(202, await refund(deps, asked), toRefundView),
)

/** Returns one refund, or all refunds of an order. WeChat is asked first where that can help. */
export const get = forCallers(
  { allow: ['user', 'merchant'], read: queryOf(refundQuery) },
  async (deps, caller, asked) => {
    const view = refundViewFor(caller)
    return 'outTradeNo' in asked
      ? replyWith(200, await listOrderRefunds(deps, caller, asked.outTradeNo), (refunds) => ({
          refunds: refunds.map(view),
        }))
      : replyWith(200, await queryRefund(deps, caller, asked.outRefundNo), view)
  },
)

/** WeChat's reason, such as an empty balance, is for the merchant only. */
const refundViewFor = (caller: Caller) => (found: Refund) => {
  const { errCode, errText, ...ofPayer } = toRefundView(found)
  return caller.kind === 'merchant' ? { ...ofPayer, errCode, errText } : ofPayer
}

export default serve('refund', { GET: get, POST: post })

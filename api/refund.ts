import { toRefundView } from '../lib/core/refund.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf, queryOf } from '../lib/http/read-request.ts'
import { refundQuery, refundRequest } from '../lib/http/requests.ts'
import { replyWith, serve } from '../lib/http/serve.ts'
import { queryRefund } from '../lib/steps/query-refund.ts'
import { refund } from '../lib/steps/request-refund.ts'

/** Refunds an order. The answer is 202, because WeChat pays the refund out later. */
export const post = forCallers(
  { allow: ['merchant'], read: bodyOf(refundRequest) },
  async (deps, _, asked) => replyWith(202, await refund(deps, asked), toRefundView),
)

/** Returns a refund. Queries WeChat first unless its state is final. */
export const get = forCallers(
  { allow: ['user', 'merchant'], read: queryOf(refundQuery) },
  async (deps, caller, { outRefundNo }) =>
    replyWith(200, await queryRefund(deps, caller, outRefundNo), (found) => {
      const { errCode, errText, ...ofPayer } = toRefundView(found)
      // WeChat's reason, such as an empty balance, is for the merchant only.
      return caller.kind === 'merchant' ? { ...ofPayer, errCode, errText } : ofPayer
    }),
)

export default serve('refund', { GET: get, POST: post })

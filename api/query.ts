import { orderViewFor } from '../lib/core/caller.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { queryOf } from '../lib/http/read-request.ts'
import { queryRequest } from '../lib/http/requests.ts'
import { replyWith, serve } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { query } from '../lib/steps/query.ts'

/** Returns an order. Queries WeChat first unless its state is final. */
export const get = forCallers(
  { allow: ['user', 'merchant'], read: queryOf(queryRequest) },
  async (deps, caller, wanted) =>
    replyWith(200, await query(deps, caller, wanted), orderViewFor(caller)),
)

export default serve('query', { GET: get }, { afterwards: catchUp })

import { forCallers } from '../lib/http/for-callers.ts'
import { queryOf } from '../lib/http/read-request.ts'
import { queryRequest } from '../lib/http/requests.ts'
import { reply, serve } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { query } from '../lib/steps/query.ts'
import { viewOrders } from '../lib/steps/view-orders.ts'

/** Returns an order. Queries WeChat first unless its state is final. */
export const get = forCallers(
  { allow: ['user', 'merchant'], read: queryOf(queryRequest) },
  async (deps, caller, wanted) => {
    const found = await query(deps, caller, wanted)
    if (!found.ok) return found
    const [view] = await viewOrders(deps, caller, [found.value])
    return reply(200, view)
  },
)

export default serve(
  'query',
  { GET: get },
  {
    afterwards: catchUp,
    waitsFor: { GET: ['database', 'wechat pay'] },
  },
)

import { forCallers } from '../lib/http/for-callers.ts'
import { readKnownQuery } from '../lib/http/read-request.ts'
import { cronRequest } from '../lib/http/requests.ts'
import { replyWith, serve } from '../lib/http/serve.ts'
import { sweep, sweepBill } from '../lib/steps/sweep.ts'

/**
 * Called by Vercel. It settles payments that were not reported, closes expired orders, delivers due
 * events and compares yesterday's bill, and returns what it did. With `?bill=2026-11-20` it only
 * compares that day again.
 */
export const get = forCallers(
  { allow: ['cron'], read: (request) => readKnownQuery(request, cronRequest) },
  async (deps, _, { bill }) =>
    bill === undefined
      ? replyWith(200, await sweep(deps))
      : replyWith(200, await sweepBill(deps, bill)),
)

/** No caller waits for cron. Vercel ends it after 300 seconds, as vercel.json says. */
const BUDGET_MS = 285_000

export default serve('cron', { GET: get }, { budgetMs: BUDGET_MS, withinMs: BUDGET_MS })

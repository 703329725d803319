import { readKnownQuery } from '../lib/http/read-request.ts'
import { cronRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/authenticate.ts'
import { sweep, sweepBill } from '../lib/steps/sweep.ts'

/**
 * Called by Vercel. It settles payments that were not reported, closes expired orders, delivers due
 * events and compares yesterday's bill, and returns what it did. With `?bill=2026-11-20` it only
 * compares that day again.
 */
export const get: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['cron'])
  if (!caller.ok) return caller
  const asked = readKnownQuery(request, cronRequest)
  if (!asked.ok) return asked
  const swept =
    asked.value.bill === undefined ? await sweep(deps) : await sweepBill(deps, asked.value.bill)
  return swept.ok ? reply(200, swept.value) : swept
}

/** No caller waits for cron. Vercel ends it after 300 seconds, as vercel.json says. */
const BUDGET_MS = 285_000

export default serve('cron', { GET: get }, { budgetMs: BUDGET_MS })

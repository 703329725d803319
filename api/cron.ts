import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { requireCaller } from '../lib/http/who.ts'
import { sweep } from '../lib/steps/sweep.ts'

/** Called by Vercel: settles what nobody reported, closes what expired, delivers what is due. Says what it did. */
export const get: Handler = async (request, deps) => {
  const caller = await requireCaller(request, deps, ['cron'])
  return caller.ok ? reply(200, await sweep(deps)) : caller
}

/** Nobody waits for cron; the platform ends it after a minute. */
const BUDGET_MS = 55_000

export default serve({ GET: get }, { budgetMs: BUDGET_MS })

import { addressOf, limit } from '../lib/http/limit.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { checkHealth } from '../lib/steps/check-health.ts'

/**
 * Says of each dependency whether it is up or down; the status is 503 if one is down. If Redis is
 * down, calls are not counted, so the limit does not hide that Redis is down.
 */
export const get: Handler = async (request, deps, edge) => {
  const limited = limit(edge, 'health', addressOf(request))
  if (!limited.ok) return limited
  const health = await edge.rememberHealth(() => checkHealth(deps))
  const down = Object.entries(health).flatMap(([name, state]) => (state === 'down' ? [name] : []))
  if (down.length > 0) deps.log({ event: 'down', detail: down.join(', ') })
  return reply(down.length > 0 ? 503 : 200, health)
}

export default serve('health', { GET: get })

import { addressOf, limit } from '../lib/http/limit.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { checkHealth } from '../lib/steps/check-health.ts'

/** Each dependency up or down; 503 when one is down. Without Redis nobody is limited, so a probe learns that it is down. */
export const get: Handler = async (request, deps) => {
  const limited = limit(deps, 'health', addressOf(request))
  if (!limited.ok) return limited
  const health = await checkHealth(deps)
  const down = Object.entries(health).flatMap(([name, state]) => (state === 'down' ? [name] : []))
  if (down.length > 0) deps.log({ event: 'down', detail: down.join(', ') })
  return reply(down.length > 0 ? 503 : 200, health)
}

export default serve('health', { GET: get })

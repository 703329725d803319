import type { Health } from '../core/health.ts'
import type { Lasting } from '../core/remembered.ts'
import type { Deps } from '../ports.ts'

/**
 * How old an answer may be. Anybody may ask, and each probe is a request to the database and two to WeChat, so one probe
 * answers everybody for this long; a failure, or its end, is hidden for no longer.
 */
const LIFE_MS = 5_000

/** Whether each dependency does its work, and nothing else: anybody may ask. One that is not configured is down. */
export const checkHealth = (deps: Deps): Promise<Health> => deps.rememberHealth(() => findHealth(deps))

/**
 * What another instance found out, or else a probe of our own, kept for the others. Redis is up when it gave the answer of
 * another instance or took ours.
 */
async function findHealth(deps: Deps): Promise<Lasting<Health>> {
  const since = deps.clock.now().getTime()
  const kept = await readKept(deps)
  if (typeof kept === 'object') return { value: { ...kept.health, redis: 'up' }, until: deps.clock.now().getTime() + kept.lifeMs }
  const [database, wechat] = await Promise.all([probe(async () => deps.ledger.isReachable()), probe(async () => deps.wechat.isReachable())])
  const lifeMs = Math.max(1, since + LIFE_MS - deps.clock.now().getTime())
  const redis = kept === 'none' ? await probe(() => deps.cache.keepHealth({ database, wechat }, lifeMs)) : 'down'
  return { value: { database, redis, wechat }, until: since + LIFE_MS }
}

/** Without its settings there is no cache to ask. */
const readKept = async (deps: Deps) => {
  try {
    return await deps.cache.findHealth()
  } catch {
    return 'down'
  }
}

const probe = async (isReachable: () => Promise<boolean>) => ((await isReachable().catch(() => false)) ? 'up' : 'down')

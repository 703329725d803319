import type { Deps, Health } from '../ports.ts'

/**
 * Maximum age of an answer. Anyone may call, and a probe is one request to the database and two to
 * WeChat, so all callers share one probe for this long. The answer shows a failure, or its end, at
 * most this much later.
 */
const LIFE_MS = 5_000

/**
 * Whether each dependency works. Anyone may call, so nothing else is disclosed. A dependency that
 * is not configured is down.
 *
 * Returns the answer of another instance, or probes and stores the result for the others. Redis is
 * up if it returned that answer or stored ours. `until`: the time at which the answer expires, in
 * epoch milliseconds.
 */
export async function checkHealth(deps: Deps): Promise<{ value: Health; until: number }> {
  const since = deps.clock.now().getTime()
  const kept = await readKept(deps)
  if (typeof kept === 'object')
    return {
      value: { ...kept.health, redis: 'up' },
      until: deps.clock.now().getTime() + kept.lifeMs,
    }
  const [database, wechat] = await Promise.all([
    probe(async () => deps.ledger.isReachable()),
    probe(async () => isWechatReachable(deps)),
  ])
  const lifeMs = Math.max(1, since + LIFE_MS - deps.clock.now().getTime())
  const redis =
    kept === 'none'
      ? await probe(() => deps.cache.keepHealth({ database, wechat }, lifeMs))
      : 'down'
  return { value: { database, redis, wechat }, until: since + LIFE_MS }
}

const isWechatReachable = async ({ gateway, miniProgram, account }: Deps): Promise<boolean> =>
  (await Promise.all([gateway(account).isReachable(), miniProgram().isReachable()])).every(Boolean)

/** The cache itself throws if its settings are missing. */
const readKept = async (deps: Deps) => {
  try {
    return await deps.cache.findHealth()
  } catch {
    return 'down'
  }
}

const probe = async (isReachable: () => Promise<boolean>) =>
  (await isReachable().catch(() => false)) ? 'up' : 'down'

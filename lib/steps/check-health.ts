import type { Deps } from '../ports.ts'

export interface Health {
  readonly database: 'up' | 'down'
  readonly redis: 'up' | 'down'
  readonly wechat: 'up' | 'down'
}

/** Whether each dependency answers, and nothing else: anybody may ask. One that is not configured is down. */
export async function checkHealth(deps: Deps): Promise<Health> {
  const probe = async (isReachable: () => Promise<boolean>) => ((await isReachable().catch(() => false)) ? 'up' : 'down')
  const [database, redis, wechat] = await Promise.all([
    probe(async () => deps.ledger.isReachable()),
    probe(async () => deps.cache.isReachable()),
    probe(async () => deps.wechat.isReachable()),
  ])
  return { database, redis, wechat }
}

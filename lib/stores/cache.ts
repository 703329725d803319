/**
 * The cache and the locks, on Upstash. Keys: `wxpay:prepay:<no>` (a kept prepay_id), `wxpay:placing:<no>` (one unified
 * order at a time), `wxpay:notice:<no>` (one notification at a time), `wxpay:access-token`, `wxpay:access-token:lock` and
 * `wxpay:health:<configuration>`.
 *
 * Nothing here decides anything and nothing here throws: with Redis gone or emptied every step is slower, not wrong.
 * Library messages stop here: they hold the whole command.
 */
import * as v from 'valibot'
import type { LogFields } from '../core/log-fields.ts'
import type { Cache, Lock } from '../ports.ts'
import { describeRedisDown } from './redis-failure.ts'
import { askRedis, openRedis, type Redis, type RedisSettings } from './redis.ts'

/** Longer than a call to WeChat may take, so that a lock outlives its work but not by much when its holder dies. */
const LOCK_MS = 9_000

const prepaid = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ prepayId: v.string(), key: v.string(), madeAt: v.number() }),
)

/** One token for all instances. */
const ACCESS_TOKEN = 'wxpay:access-token'

/** What is kept, else the right to make it, else word that somebody else is at it. */
const FIND_OR_LOCK = `
  local kept = redis.call('get', KEYS[1])
  if kept then return {'kept', kept} end
  if redis.call('set', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {'lock'} end
  return {'busy'}`

const KEEP_AND_RELEASE = `
  redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
  if redis.call('get', KEYS[2]) == ARGV[3] then redis.call('del', KEYS[2]) end
  return 1`

const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`

const state = v.picklist(['up', 'down'])
const sharedHealth = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({ database: state, wechat: state }),
)
const healthAndLife = v.union([
  v.strictTuple([]),
  v.strictTuple([sharedHealth, v.pipe(v.number(), v.minValue(0))]),
])

/** The stored answer and the milliseconds it has left; an empty list if there is none. */
const FIND_WITH_LIFE = `
  local kept = redis.call('get', KEYS[1])
  if kept then return {kept, redis.call('pttl', KEYS[1])} end
  return {}`

/** @param configuration a digest of what health probes: deployments with different settings may share one Redis */
export function createCache(
  settings: RedisSettings,
  configuration: string,
  newToken: () => string,
  log: (fields: LogFields) => void,
): Cache {
  const healthKey = `wxpay:health:${configuration}`
  let opening: ReturnType<typeof openRedis> | undefined

  const attempt = async <T>(work: (redis: Redis) => Promise<T>): Promise<T | 'down'> => {
    try {
      const redis = await (opening ??= openRedis(settings))
      return await askRedis(() => work(redis))
    } catch (cause) {
      log(describeRedisDown(cause))
      return 'down'
    }
  }

  const findOrLock = (key: string, lockName: string) =>
    attempt(
      async (redis): Promise<{ readonly kept: string } | { readonly lock: Lock } | 'busy'> => {
        const lock: Lock = { name: lockName, token: newToken() }
        const answer: unknown = await redis.eval(
          FIND_OR_LOCK,
          [key, lock.name],
          [lock.token, String(LOCK_MS)],
        )
        const [word, kept] = v.parse(v.array(v.string()), answer)
        if (word === 'kept' && kept !== undefined) return { kept }
        return word === 'lock' ? { lock } : 'busy'
      },
    )

  return {
    async findPrepay(outTradeNo) {
      const found = await findOrLock(`wxpay:prepay:${outTradeNo}`, `wxpay:placing:${outTradeNo}`)
      if (typeof found === 'string' || 'lock' in found) return found
      const kept = v.safeParse(prepaid, found.kept)
      return kept.success ? { kept: kept.output } : 'down'
    },

    async keepPrepay(outTradeNo, value, lifeMs, lock) {
      const [key, kept] = [`wxpay:prepay:${outTradeNo}`, JSON.stringify(value)]
      await attempt<unknown>((redis) =>
        lock === null
          ? redis.set(key, kept, { px: lifeMs })
          : redis.eval(KEEP_AND_RELEASE, [key, lock.name], [kept, String(lifeMs), lock.token]),
      )
    },

    findAccessToken: () => findOrLock(ACCESS_TOKEN, `${ACCESS_TOKEN}:lock`),

    async keepAccessToken({ token, lifeMs }) {
      if (lifeMs > 0) await attempt((redis) => redis.set(ACCESS_TOKEN, token, { px: lifeMs }))
    },

    async forgetAccessToken(token) {
      await attempt((redis) => redis.eval(RELEASE, [ACCESS_TOKEN], [token]))
    },

    async forgetPrepay(outTradeNo, value) {
      await attempt((redis) =>
        redis.eval(RELEASE, [`wxpay:prepay:${outTradeNo}`], [JSON.stringify(value)]),
      )
    },

    lockNotification: (outTradeNo) =>
      attempt(async (redis) => {
        const lock: Lock = { name: `wxpay:notice:${outTradeNo}`, token: newToken() }
        return (await redis.set(lock.name, lock.token, { nx: true, px: LOCK_MS })) === 'OK'
          ? lock
          : 'busy'
      }),

    async release(lock) {
      await attempt((redis) => redis.eval(RELEASE, [lock.name], [lock.token]))
    },

    findHealth: () =>
      attempt(async (redis) => {
        const [kept, lifeMs] = v.parse(
          healthAndLife,
          await redis.eval(FIND_WITH_LIFE, [healthKey], []),
        )
        return kept === undefined || lifeMs === undefined ? 'none' : { health: kept, lifeMs }
      }),

    keepHealth: async (health, lifeMs) =>
      (await attempt((redis) => redis.set(healthKey, JSON.stringify(health), { px: lifeMs }))) ===
      'OK',
  }
}

/**
 * The cache and the locks, on Upstash. Keys: `wxpay:prepay:<no>` (a cached prepay_id),
 * `wxpay:placing:<no>` (one unified order at a time), `wxpay:notice:<no>` (one notification at a
 * time), `wxpay:access-token:<appid>`, `wxpay:access-token:<appid>:lock`,
 * `wxpay:certificates:<merchant number>` with its `:lock`, and `wxpay:health:<configuration>`. A
 * pushed message that was handled has `wxpay:push:<digest>`. A test notification that has arrived,
 * for which doctor waits, has `wxpay:echo:<message>`.
 *
 * The cache decides nothing and never throws. If Redis is down, empty or stale, requests are slower
 * but correct. Library messages are not passed on, because they contain the whole command.
 */
import * as v from 'valibot'
import type { LogFields } from '../core/log-fields.ts'
import type { Cache, Found, Lock, Shared } from '../ports.ts'
import { describeRedisDown } from './redis-failure.ts'
import { askRedis, openRedis, type Redis, type RedisSettings } from './redis.ts'

/**
 * Slightly longer than a call to WeChat may take, so that a lock outlives its work but ends soon if
 * its holder dies.
 */
const LOCK_MS = 9_000

export const echoKey = (message: string): string => `wxpay:echo:${message}`
export const ARRIVED = 'arrived'

/** Long enough for doctor to find it. */
const ECHO_MS = 600_000

/** WeChat sends a pushed message again within a minute, and some reminders once a day. */
const PUSH_MS = 86_400_000

const prepaid = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ prepayId: v.string(), key: v.string(), madeAt: v.number() }),
)

/**
 * Returns the cached value. Without one, takes the lock for making it, or says that another run
 * holds the lock.
 */
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

/** The stored answer and its remaining milliseconds; an empty list if it is missing. */
const FIND_WITH_LIFE = `
  local kept = redis.call('get', KEYS[1])
  if kept then return {kept, redis.call('pttl', KEYS[1])} end
  return {}`

/**
 * @param configuration a digest of what health probes: deployments with different settings may
 * share one Redis
 */
export function createCache(
  settings: RedisSettings,
  configuration: string,
  newToken: () => string,
  log: (fields: LogFields) => void,
): Cache & { readonly platformCertificates: Shared<string> } {
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

  const shared = <T>(
    keyOf: (id: string) => string,
    lockOf: (id: string) => string,
    write: (value: T) => string,
    read: (text: string) => T | undefined,
  ): Shared<T> => ({
    find: (id) =>
      attempt(async (redis): Promise<Found<T>> => {
        const lock: Lock = { name: lockOf(id), token: newToken() }
        const answer: unknown = await redis.eval(
          FIND_OR_LOCK,
          [keyOf(id), lock.name],
          [lock.token, String(LOCK_MS)],
        )
        const [word, text] = v.parse(v.array(v.string()), answer)
        if (word !== 'kept' || text === undefined) return word === 'lock' ? { lock } : 'busy'
        const kept = read(text)
        return kept === undefined ? 'down' : { kept }
      }),

    async keep(id, value, lifeMs, lock) {
      const [key, text] = [keyOf(id), write(value)]
      await attempt<unknown>((redis) =>
        lock === null
          ? redis.set(key, text, { px: lifeMs })
          : redis.eval(KEEP_AND_RELEASE, [key, lock.name], [text, String(lifeMs), lock.token]),
      )
    },

    async forget(id, value) {
      await attempt((redis) => redis.eval(RELEASE, [keyOf(id)], [write(value)]))
    },
  })

  const sharedText = (kind: string): Shared<string> =>
    shared(
      (id) => `wxpay:${kind}:${id}`,
      (id) => `wxpay:${kind}:${id}:lock`,
      (value) => value,
      (text) => text,
    )

  return {
    prepays: shared(
      (outTradeNo) => `wxpay:prepay:${outTradeNo}`,
      (outTradeNo) => `wxpay:placing:${outTradeNo}`,
      (value) => JSON.stringify(value),
      (text) => {
        const kept = v.safeParse(prepaid, text)
        return kept.success ? kept.output : undefined
      },
    ),

    accessTokens: sharedText('access-token'),
    platformCertificates: sharedText('certificates'),

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

    async keepEcho(message) {
      await attempt((redis) => redis.set(echoKey(message), ARRIVED, { px: ECHO_MS }))
    },

    async claimPush(id) {
      const claimed = await attempt((redis) =>
        redis.set(`wxpay:push:${id}`, ARRIVED, { nx: true, px: PUSH_MS }),
      )
      return claimed !== null
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

/**
 * The cache and the locks, on Upstash. Keys: `wxpay:prepay:<no>` (a cached prepay_id),
 * `wxpay:access-token:<appid>` and `wxpay:certificates:<merchant number>`, each with the lock of
 * the run that makes the value until there is one; `wxpay:notice:<no>` (one notification at a
 * time), and `wxpay:health:<configuration>`. A pushed message that was handled has
 * `wxpay:push:<digest>`. A test notification that has arrived, for which doctor waits, has
 * `wxpay:echo:<message>`.
 *
 * The cache decides nothing and never throws. If Redis is down, empty or stale, requests are slower
 * but correct. Library messages are not passed on, because they contain the whole command.
 */
import * as v from 'valibot'
import type { LogFields } from '../core/log-fields.ts'
import type { Cache, Found, Lock, Shared } from '../ports.ts'
import { describeRedisDown } from './redis-failure.ts'
import {
  askRedis,
  openRedis,
  runScript,
  toScript,
  type Redis,
  type RedisSettings,
} from './redis.ts'

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

/** Removes a value, or a lock, but not what another run has stored in its place. */
const REMOVE = toScript(
  `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`,
)

/** The beginning of a lock that stands where the value will be. No value begins like this. */
const LOCK = 'lock:'

/** The answers to SET NX and GET. */
const lockAndText = v.strictTuple([v.nullable(v.string()), v.nullable(v.string())])

const state = v.picklist(['up', 'down'])
const sharedHealth = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({ database: state, wechat: state }),
)
/** The answers to GET and PTTL. */
const healthAndLife = v.union([
  v.strictTuple([v.null(), v.number()]),
  v.strictTuple([sharedHealth, v.number()]),
])

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
    write: (value: T) => string,
    read: (text: string) => T | undefined,
  ): Shared<T> => ({
    find: (id) =>
      attempt(async (redis): Promise<Found<T>> => {
        const lock: Lock = { name: keyOf(id), token: LOCK + newToken() }
        const asked = redis
          .pipeline()
          .set(lock.name, lock.token, { nx: true, px: LOCK_MS })
          .get(lock.name)
        const [taken, text] = v.parse(lockAndText, await asked.exec<unknown[]>())
        // The commands may arrive twice, and then find their own token.
        if (taken === 'OK' || text === lock.token) return { lock }
        // Null: it has expired between the two commands.
        if (text === null || text.startsWith(LOCK)) return 'busy'
        const kept = read(text)
        return kept === undefined ? 'down' : { kept }
      }),

    async keep(id, value, lifeMs) {
      await attempt((redis) => redis.set(keyOf(id), write(value), { px: lifeMs }))
    },

    async forget(id, value) {
      await attempt((redis) => runScript(redis, REMOVE, [keyOf(id)], [write(value)]))
    },
  })

  const sharedText = (kind: string): Shared<string> =>
    shared(
      (id) => `wxpay:${kind}:${id}`,
      (value) => value,
      (text) => text,
    )

  return {
    prepays: shared(
      (outTradeNo) => `wxpay:prepay:${outTradeNo}`,
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
        // If the command arrives twice, it says busy: then the caller waits for a moment.
        return (await redis.set(lock.name, lock.token, { nx: true, px: LOCK_MS })) === 'OK'
          ? lock
          : 'busy'
      }),

    async release(lock) {
      await attempt((redis) => runScript(redis, REMOVE, [lock.name], [lock.token]))
    },

    async keepEcho(message) {
      await attempt((redis) => redis.set(echoKey(message), ARRIVED, { px: ECHO_MS }))
    },

    async claimPush(id) {
      const [name, token] = [`wxpay:push:${id}`, newToken()]
      const claimed = await attempt(async (redis) => {
        const asked = redis.pipeline().set(name, token, { nx: true, px: PUSH_MS }).get(name)
        return (await asked.exec<unknown[]>())[1] === token
      })
      return claimed !== false
    },

    findHealth: () =>
      attempt(async (redis) => {
        const asked = redis.pipeline().get(healthKey).pttl(healthKey)
        const [kept, lifeMs] = v.parse(healthAndLife, await asked.exec<unknown[]>())
        // A negative time: it has expired between the two commands.
        return kept === null || lifeMs < 0 ? 'none' : { health: kept, lifeMs }
      }),

    keepHealth: async (health, lifeMs) =>
      (await attempt((redis) => redis.set(healthKey, JSON.stringify(health), { px: lifeMs }))) ===
      'OK',
  }
}

/**
 * Counts callers, on Upstash. Keys: `wxpay:limit:<step>:<user or address>:<hash>:<minute>`, the calls of that minute, kept
 * for two. The hash is a SHA-256: neither an openid nor an address is stored.
 *
 * Nothing here throws, and who cannot be counted may call. Library messages stop here: they hold the whole command.
 */
import { fingerprint } from '../core/fingerprint.ts'
import type { LogFields } from '../core/log-fields.ts'
import type { Clock, LimitedCaller, LimitedStep, Limits } from '../ports.ts'
import { describeRedisDown } from './redis-failure.ts'
import { askRedis, openScriptRedis, type RedisSettings } from './redis.ts'

/** Calls a user may make in any minute. */
const USER_PER_MINUTE: Readonly<Record<LimitedStep, number>> = {
  // A phone logs in once an hour or so; one login a second is a program, and each is a call to WeChat.
  login: 60,
  // Two a second is more than a person can order, and each is a row in the ledger.
  orders: 120,
  // A payment page may ask again and again: mostly it is only signed again.
  prepay: 300,
  // Sixty for an address: a monitor asks about once a minute, and the Mini Program never asks.
  health: 6,
}

/** A mobile carrier puts thousands of phones behind one address. */
const ADDRESS_FACTOR = 10

const limitOf = (step: LimitedStep, kind: LimitedCaller['kind']): number =>
  USER_PER_MINUTE[step] * (kind === 'address' ? ADDRESS_FACTOR : 1)

/** One that takes longer was frozen, or its end was lost: nobody is kept out for it. The client's own deadline is a second. */
const LONGEST_COUNT_MS = 5_000

/** Whoever is over is so for a minute at most, so the oldest is the one to forget. A few hundred bytes each. */
const MAX_REMEMBERED = 10_000

/**
 * Who is over is known only to the instance that counted them, in memory, so that asking costs nothing. Other instances
 * learn it from their own next count, for the counts themselves are shared.
 */
export function createLimits(
  settings: () => RedisSettings,
  clock: Pick<Clock, 'now'>,
  log: (fields: LogFields) => void,
): Limits {
  const overUntil = new Map<string, number>()
  /** Counts on their way, by when they began: what they will say is not known yet, but so many at once is too often. */
  const underWay = new Map<string, readonly number[]>()

  // Loaded when first needed: most functions never limit.
  const load = async () => {
    const [{ Ratelimit }, redis] = await Promise.all([
      import('@upstash/ratelimit'),
      openScriptRedis(settings()),
    ])
    return (step: LimitedStep, kind: LimitedCaller['kind']) =>
      new Ratelimit({
        redis,
        prefix: `wxpay:limit:${step}`,
        limiter: Ratelimit.slidingWindow(limitOf(step, kind), '1 m'),
        ephemeralCache: false,
        analytics: false,
        enableTelemetry: false,
        // The client has its own deadline, and what comes of it is logged.
        timeout: 0,
      })
  }
  let loading: ReturnType<typeof load> | undefined

  let travelling: Promise<unknown> = Promise.resolve()
  let gathering: Promise<void> | undefined
  /** Counts that come while others are on their way wait for these and then travel as one request: one at a time is enough. */
  const gather = () =>
    (gathering ??= travelling.then(() => {
      gathering = undefined
    }))

  const remember = (name: string, until: number) => {
    const [oldest] = overUntil.keys()
    if (overUntil.size >= MAX_REMEMBERED && oldest !== undefined) overUntil.delete(oldest)
    overUntil.set(name, until)
  }

  const secondsLeft = (step: LimitedStep, caller: LimitedCaller): number => {
    const name = `${step}:${nameOf(caller)}`
    const now = clock.now().getTime()
    if (
      (underWay.get(name) ?? []).filter((begun) => now - begun < LONGEST_COUNT_MS).length >=
      limitOf(step, caller.kind)
    )
      return 1
    const ms = (overUntil.get(name) ?? 0) - now
    if (ms <= 0) overUntil.delete(name)
    return Math.max(0, Math.ceil(ms / 1_000))
  }

  const begin = (name: string) => {
    const begun = clock.now().getTime()
    underWay.set(name, [...(underWay.get(name) ?? []), begun])
    return () => {
      const others = underWay.get(name) ?? []
      const left = others.toSpliced(others.indexOf(begun), 1)
      if (left.length === 0) underWay.delete(name)
      else underWay.set(name, left)
    }
  }

  return {
    secondsLeft: (step, callers) =>
      Math.max(0, ...callers.map((caller) => secondsLeft(step, caller))) || null,

    async count(step, callers) {
      const ends = callers.map((caller) => begin(`${step}:${nameOf(caller)}`))
      try {
        const limiter = await (loading ??= load())
        const countOne = async (caller: LimitedCaller) => {
          const { success, remaining, reset } = await limiter(step, caller.kind).limit(
            nameOf(caller),
          )
          // What is no number says nothing against the caller.
          if (!success && Number.isFinite(remaining)) remember(`${step}:${nameOf(caller)}`, reset)
        }
        await gather()
        const counting = askRedis(() => Promise.all(callers.map(countOne)))
        // Its outcome is nobody's to keep: each would hold the one before.
        travelling = Promise.allSettled([travelling, counting]).then(() => undefined)
        await counting
      } catch (cause) {
        log(describeRedisDown(cause))
      } finally {
        for (const end of ends) end()
      }
    },
  }
}

const nameOf = ({ kind, id }: LimitedCaller): string => `${kind}:${fingerprint([kind, id])}`

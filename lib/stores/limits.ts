/**
 * Counts callers, on Upstash. Keys: `wxpay:limit:<step>:<user or address>:<hash>:<minute>` counts
 * the calls of that minute and expires after two. The hash is a SHA-256: neither an openid nor an
 * address is stored.
 *
 * Limits never throw, and a caller that cannot be counted may continue. Library messages are not
 * passed on, because they contain the whole command.
 */
import { fingerprint } from '../core/fingerprint.ts'
import type { LogFields } from '../core/log-fields.ts'
import type { Clock, LimitedCaller, LimitedStep, Limits } from '../ports.ts'
import { describeRedisDown } from './redis-failure.ts'
import { askRedis, openScriptRedis, type RedisSettings } from './redis.ts'

/** Calls per minute of one user. */
const USER_PER_MINUTE: Readonly<Record<LimitedStep, number>> = {
  // A client logs in about once an hour. One login a second comes from a program, and each calls
  // WeChat.
  login: 60,
  // A person cannot order twice a second, and each order is a row in the ledger.
  orders: 120,
  // A payment page may repeat the call. Usually the server only signs again.
  prepay: 300,
  // Each call asks WeChat, which has a daily quota for the whole shop.
  shipping: 30,
  // Sixty for an address: a monitor asks about once a minute, and the Mini Program does not ask.
  health: 6,
  // Ten wrong keys for an address: enough for typing errors, far too few to guess a key.
  key: 1,
}

/** A mobile carrier puts thousands of devices behind one address. */
const ADDRESS_FACTOR = 10

const WINDOW_MS = 60_000

const limitOf = (step: LimitedStep, kind: LimitedCaller['kind']): number =>
  USER_PER_MINUTE[step] * (kind === 'address' ? ADDRESS_FACTOR : 1)

/**
 * A count that has not ended by then is ignored: the instance was frozen meanwhile. The Redis
 * client itself waits for a second at most.
 */
const LONGEST_COUNT_MS = 5_000

/**
 * An entry matters for a minute at most, so the oldest entry is dropped first. Each takes a few
 * hundred bytes.
 */
const MAX_REMEMBERED = 10_000

/**
 * All instances share the counts in Redis. Which callers are over their limit is remembered by each
 * instance in memory, so a check costs nothing. Another instance learns it with its own next count.
 */
export function createLimits(
  settings: () => RedisSettings,
  clock: Pick<Clock, 'now'>,
  log: (fields: LogFields) => void,
): Limits {
  const overUntil = new Map<string, number>()
  /**
   * Start times of counts without a result yet. A caller with as many of them as its limit allows
   * is refused, too.
   */
  const underWay = new Map<string, readonly number[]>()

  // Loaded when first needed, because most functions have no limits.
  const load = async () => {
    const [{ Ratelimit }, redis] = await Promise.all([
      import('@upstash/ratelimit'),
      openScriptRedis(settings()),
    ])
    return (step: LimitedStep, kind: LimitedCaller['kind']) =>
      new Ratelimit({
        redis,
        prefix: `wxpay:limit:${step}`,
        limiter: Ratelimit.slidingWindow(limitOf(step, kind), `${WINDOW_MS} ms`),
        ephemeralCache: false,
        analytics: false,
        enableTelemetry: false,
        // The client has its own deadline, and a failure is logged.
        timeout: 0,
      })
  }
  let loading: ReturnType<typeof load> | undefined

  let sending: Promise<unknown> = Promise.resolve()
  let gathering: Promise<void> | undefined
  /** Counts that begin while a request is under way wait for it and then share the next request. */
  const gather = () =>
    (gathering ??= sending.then(() => {
      gathering = undefined
    }))

  const remember = (name: string, until: number) => store(overUntil, name, until)

  /** Wrong keys are limited even without Redis: each instance counts its own. */
  const guesses = new Map<string, { readonly since: number; readonly times: number }>()
  const countGuess = (caller: LimitedCaller) => {
    const name = `key:${nameOf(caller)}`
    const now = clock.now().getTime()
    const last = guesses.get(name) ?? { since: now, times: 0 }
    const isSameWindow = now >= last.since && now - last.since < WINDOW_MS
    const { since, times } = isSameWindow ? last : { since: now, times: 0 }
    store(guesses, name, { since, times: times + 1 })
    if (times + 1 >= limitOf('key', caller.kind)) remember(name, since + WINDOW_MS)
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
    // If the clock is set back, the caller is counted again.
    if (ms > 0 && ms <= WINDOW_MS) return Math.ceil(ms / 1_000)
    overUntil.delete(name)
    return 0
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
      if (step === 'key') callers.forEach(countGuess)
      const ends = callers.map((caller) => begin(`${step}:${nameOf(caller)}`))
      try {
        const limiter = await (loading ??= load())
        const countOne = async (caller: LimitedCaller) => {
          const { success, remaining, reset } = await limiter(step, caller.kind).limit(
            nameOf(caller),
          )
          // A value that is not a number is no reason to refuse the caller.
          if (!success && Number.isFinite(remaining)) remember(`${step}:${nameOf(caller)}`, reset)
        }
        await gather()
        const counting = askRedis(() => Promise.all(callers.map(countOne)))
        // Drop the result, or the promise chain keeps every earlier one alive.
        sending = Promise.allSettled([sending, counting]).then(() => undefined)
        await counting
      } catch (cause) {
        log(describeRedisDown(cause))
      } finally {
        for (const end of ends) end()
      }
    },
  }
}

/** Keeps the newest `MAX_REMEMBERED` entries. */
function store<T>(entries: Map<string, T>, name: string, value: T): void {
  const [oldest] = entries.keys()
  if (entries.size >= MAX_REMEMBERED && oldest !== undefined) entries.delete(oldest)
  entries.set(name, value)
}

const nameOf = ({ kind, id }: LimitedCaller): string => `${kind}:${fingerprint([kind, id])}`

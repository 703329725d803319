/**
 * Counts the calls of each caller, on Upstash. The key
 * `wxpay:limit:<step>:<user or address>:<hash>:<minute>` counts the calls of that minute and
 * expires after two. The hash is a SHA-256: neither an openid nor an address is stored.
 *
 * Each instance counts in memory, and all instances add up their counts in Redis. Limits never
 * throw. Library messages are not passed on, because they contain the whole command.
 */
import * as v from 'valibot'
import { fingerprint } from '../core/fingerprint.ts'
import type { LogFields } from '../core/log-fields.ts'
import type { Clock, LimitedCaller, LimitedStep, Limits } from '../ports.ts'
import { describeRedisDown } from './redis-failure.ts'
import { askRedis, openRedis, type RedisSettings } from './redis.ts'

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

/**
 * An instance reports a caller to Redis after every two calls. Most payers make each call once a
 * minute, so they cost no command, and Upstash bills by the command. Every wrong key is reported.
 */
const REPORTED_TOGETHER = 2

/**
 * An entry matters for a minute at most, so the oldest entry is dropped first. Each takes a few
 * hundred bytes.
 */
const MAX_REMEMBERED = 10_000

/** The calls of one caller in one window. */
interface Count {
  readonly key: () => string
  readonly window: number
  readonly limit: number
  /** The calls in Redis at the last report, and those that this instance has counted since. */
  total: number
  unreported: number
  isReported: boolean
}

/** The answer to the commands of `report`. PEXPIRE is answered with a number, too. */
const totals = v.array(v.pipe(v.number(), v.safeInteger()))

/** @param whenAnswered resolves when the current request has its answer */
export function createLimits(
  settings: () => RedisSettings,
  clock: Pick<Clock, 'now'>,
  log: (fields: LogFields) => void,
  whenAnswered: () => Promise<void>,
): Limits {
  const counts = new Map<string, Count>()
  const due = new Set<Count>()
  let opening: ReturnType<typeof openRedis> | undefined

  const windowNow = () => Math.floor(clock.now().getTime() / WINDOW_MS)

  /** A count of another window no longer matters, also after the clock is set back. */
  const find = (name: string): Count | undefined => {
    const count = counts.get(name)
    return count?.window === windowNow() ? count : undefined
  }

  const start = (name: string, step: LimitedStep, { kind, id }: LimitedCaller): Count => {
    const window = windowNow()
    const count = {
      key: () => `wxpay:limit:${step}:${kind}:${fingerprint([kind, id])}:${window}`,
      window,
      limit: USER_PER_MINUTE[step] * (kind === 'address' ? ADDRESS_FACTOR : 1),
      total: 0,
      unreported: 0,
      isReported: false,
    }
    counts.delete(name)
    const [oldest] = counts.keys()
    if (counts.size >= MAX_REMEMBERED && oldest !== undefined) counts.delete(oldest)
    counts.set(name, count)
    return count
  }

  /** One request for all counts that are due. */
  const report = async (): Promise<void> => {
    const reported = [...due]
    due.clear()
    try {
      const redis = await (opening ??= openRedis(settings()))
      const commands = redis.pipeline()
      for (const count of reported) {
        commands.incrby(count.key(), count.unreported)
        count.unreported = 0
      }
      for (const count of reported)
        if (!count.isReported) commands.pexpire(count.key(), 2 * WINDOW_MS)
      const answer = v.parse(totals, await askRedis(() => commands.exec<unknown[]>()))
      reported.forEach((count, index) => {
        count.total = Math.max(count.total, (answer[index] ?? 0) + count.unreported)
        count.isReported = true
      })
    } catch (cause) {
      log(describeRedisDown(cause))
    }
  }

  let reporting: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  /**
   * Counts that are due while a report is under way share the next one. It waits for the answer of
   * the request, which may need the connection to Redis itself.
   */
  const reportSoon = () =>
    (next ??= Promise.all([reporting, whenAnswered()]).then(() => {
      next = undefined
      reporting = report()
      return reporting
    }))

  const secondsLeft = (step: LimitedStep, caller: LimitedCaller): number => {
    const count = find(nameOf(step, caller))
    if (count === undefined || count.total < count.limit) return 0
    return Math.ceil(((count.window + 1) * WINDOW_MS - clock.now().getTime()) / 1_000)
  }

  return {
    secondsLeft: (step, callers) =>
      Math.max(0, ...callers.map((caller) => secondsLeft(step, caller))) || null,

    async count(step, callers) {
      for (const caller of callers) {
        const name = nameOf(step, caller)
        const count = find(name) ?? start(name, step, caller)
        count.total += 1
        count.unreported += 1
        const isDue = step === 'key' || count.unreported >= REPORTED_TOGETHER
        if (isDue || count.total >= count.limit) due.add(count)
      }
      if (due.size > 0) await reportSoon()
    },
  }
}

const nameOf = (step: LimitedStep, { kind, id }: LimitedCaller): string => `${step}:${kind}:${id}`

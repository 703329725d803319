/**
 * A virtual clock that advances only when no other work is left. It drives every timer, deadline
 * and clock of the process. So a night passes in milliseconds, and the history alone decides
 * whether a deadline is met.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { install, type Clock } from '@sinonjs/fake-timers'
import * as v from 'valibot'
import { currentCaller } from './instance.ts'

const REPLACED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'Date',
  'performance',
] as const

export class VirtualTime {
  readonly #clock: Clock
  /**
   * How many real tasks are running, such as a database statement or a digest. They take no virtual
   * time.
   */
  #busy = 0
  #idle = Promise.withResolvers<void>()
  readonly #restoreSteps: (() => void)[] = []

  constructor(start: Date) {
    const { timeout } = AbortSignal
    const { sign, verify } = crypto.subtle
    this.#clock = install({
      now: start,
      toFake: [...REPLACED],
      ignoreMissingTimers: true,
      shouldClearNativeTimers: true,
    })
    const clockOf = this.#clock
    const plain = globalThis.setTimeout
    const OneClock = globalThis.Date
    const now = () => clockOf.now + (currentCaller()?.instance?.clockOffsetMs ?? 0)
    globalThis.Date = new Proxy(OneClock, {
      construct: (target, args: unknown[], newTarget) =>
        v.parse(
          v.instance(OneClock),
          Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
        ),
      get: (target, name): unknown => (name === 'now' ? now : Reflect.get(target, name)),
    })
    // A timer of a dead instance never fires. A timer of a frozen instance fires when the instance
    // thaws.
    const setOwnedTimeout = (work: (...parts: never[]) => void, ms?: number, ...parts: never[]) => {
      const caller = currentCaller()
      // Timers of servers never fire: their housekeeping, ten times a second, would take most of
      // the run.
      if (caller === undefined) return plain(() => undefined, 0)
      const { instance } = caller
      if (instance === null) return plain(work, ms, ...parts)
      const run = AsyncLocalStorage.snapshot()
      const fire = () => {
        if (instance.isDead) return
        if (instance.frozenUntil > clockOf.now)
          plain(fire, Math.ceil(instance.frozenUntil - clockOf.now))
        else run(() => work(...parts))
      }
      return plain(fire, ms)
    }
    globalThis.setTimeout = Object.assign(setOwnedTimeout, plain)
    AbortSignal.timeout = (ms) => {
      const controller = new AbortController()
      setTimeout(
        () =>
          controller.abort(
            new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
          ),
        ms,
      )
      return controller.signal
    }
    crypto.subtle.sign = (...args) => this.real(() => sign.apply(crypto.subtle, args))
    crypto.subtle.verify = (...args) => this.real(() => verify.apply(crypto.subtle, args))
    this.#restoreSteps.push(() => {
      Object.assign(crypto.subtle, { sign, verify })
      AbortSignal.timeout = timeout
      globalThis.Date = OneClock
      globalThis.setTimeout = plain
      clockOf.uninstall()
    })
    // Rounded up, because the clock treats a fraction of a millisecond as zero.
    this.sleep = (ms) => new Promise((resolve) => void plain(resolve, Math.ceil(ms)))
  }

  /** The world's clock, without the offset of any instance. */
  now(): number {
    return this.#clock.now
  }

  /** Waits on the world's clock, even if the calling instance freezes or dies. */
  readonly sleep: (ms: number) => Promise<void>

  /** Runs work that takes real time. Virtual time stands still until it has ended. */
  async real<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1
    try {
      return await work()
    } finally {
      this.#busy -= 1
      if (this.#busy === 0) {
        this.#idle.resolve()
        this.#idle = Promise.withResolvers()
      }
    }
  }

  /** Sets the clock to another moment. Pending timers keep their remaining time. */
  startAt(moment: Date): void {
    this.#clock.setSystemTime(moment)
  }

  /** Removes every timer. */
  clear(): void {
    this.#clock.reset()
  }

  /**
   * Advances time until the work has ended. @throws if no timer is left and the work can never end.
   */
  async until<T>(work: Promise<T>): Promise<T> {
    let done = false
    const ended = work.finally(() => (done = true))
    ended.catch(() => undefined)
    for (;;) {
      await turn()
      if (this.#busy > 0) {
        await this.#idle.promise
        continue
      }
      if (done) return ended
      if (this.#clock.countTimers() === 0) throw new Error('the work waits, and no timer is left')
      this.#clock.next()
    }
  }

  /** Restores the real clocks and timers. */
  stop(): void {
    for (const step of this.#restoreSteps) step()
  }
}

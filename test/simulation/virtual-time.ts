/**
 * Time that passes only when nothing else is left to do. Every timer, deadline and clock of the process hangs on it, so
 * that a night passes in milliseconds, a deadline is met or missed because a history says so, and never by chance.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { install, type Clock } from '@sinonjs/fake-timers'
import * as v from 'valibot'
import { currentActor } from './instance.ts'

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
  /** Real work under way, which takes no time: an embedded database at its statement, a digest on its thread. */
  #busy = 0
  #idle = Promise.withResolvers<void>()
  readonly #giveBack: (() => void)[] = []

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
    const now = () => clockOf.now + (currentActor()?.instance?.clockOffsetMs ?? 0)
    globalThis.Date = new Proxy(OneClock, {
      construct: (target, args: unknown[], newTarget) =>
        v.parse(
          v.instance(OneClock),
          Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
        ),
      get: (target, name): unknown => (name === 'now' ? now : Reflect.get(target, name)),
    })
    // A timer of an instance that died never fires; that of a frozen one fires when it thaws.
    const owned = (work: (...parts: never[]) => void, ms?: number, ...parts: never[]) => {
      const actor = currentActor()
      // Servers keep no time of their own: their housekeeping, ten times a second, would be most of what happens.
      if (actor === undefined) return plain(() => undefined, 0)
      const { instance } = actor
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
    globalThis.setTimeout = Object.assign(owned, plain)
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
    this.#giveBack.push(() => {
      Object.assign(crypto.subtle, { sign, verify })
      AbortSignal.timeout = timeout
      globalThis.Date = OneClock
      globalThis.setTimeout = plain
      clockOf.uninstall()
    })
    // Whole milliseconds: the clock would take a part of one for none at all.
    this.sleep = (ms) => new Promise((resolve) => void plain(resolve, Math.ceil(ms)))
  }

  /** The world's clock, which is nobody's in particular. */
  now(): number {
    return this.#clock.now
  }

  /** Waits on the world's clock, whatever becomes of the instance it is called on. */
  readonly sleep: (ms: number) => Promise<void>

  /** Work that really waits for something. Time stands still until it is done. */
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

  /** Begins at another moment; whatever still waits keeps waiting as long as it would have. */
  startAt(moment: Date): void {
    this.#clock.setSystemTime(moment)
  }

  /** Forgets every timer. */
  clear(): void {
    this.#clock.reset()
  }

  /** Lets time pass until the work is done. @throws when nothing is left that could ever bring it about. */
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
      if (this.#clock.countTimers() === 0)
        throw new Error('everybody waits for what will never come')
      this.#clock.next()
    }
  }

  /** Everything as it was. */
  stop(): void {
    for (const step of this.#giveBack) step()
  }
}

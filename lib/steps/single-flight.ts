import { ok, type Result } from '../core/result.ts'
import type { Deps, Found, Lock, Shared } from '../ports.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 400

/**
 * By then the holder of the lock has finished or died. Making the value once more is harmless.
 */
const WAIT_MS = 4_000

/** The time that is reserved for our own call to WeChat. */
const LEAST_LEFT_MS = 2_000

interface Flight<T, E> {
  /** The order number or the appid that the value belongs to. */
  readonly id: string
  /** The result of the first `find`. */
  readonly found: Found<T>
  /** A kept value for which this is false is removed. */
  readonly isReusable: (kept: T) => boolean
  readonly make: () => Promise<Result<{ readonly value: T; readonly lifeMs: number }, E>>
}

/**
 * Returns the kept value, or makes it and keeps it. One run at a time makes it, and the others wait
 * for its value. Without Redis, or if the holder of the lock has died, each run makes it: WeChat
 * answers all of them alike.
 */
export async function singleFlight<T, E>(
  deps: Pick<Deps, 'cache' | 'clock' | 'waitUntil'>,
  shared: Shared<T>,
  { id, found, isReusable, make }: Flight<T, E>,
): Promise<Result<T, E>> {
  let lock: Lock | null = null
  let [waited, pause, hasForgotten] = [0, FIRST_PAUSE_MS, false]
  for (let look = found; look !== 'down'; look = await shared.find(id)) {
    if (look === 'busy') {
      if (waited >= WAIT_MS || deps.clock.timeLeft() < LEAST_LEFT_MS + pause) break
      await deps.clock.sleep(pause)
      waited += pause
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
    } else if ('lock' in look) {
      lock = look.lock
      break
    } else {
      if (isReusable(look.kept)) return ok(look.kept)
      if (hasForgotten) break
      hasForgotten = true
      await shared.forget(id, look.kept)
    }
  }
  let made: Awaited<ReturnType<typeof make>> | undefined
  try {
    made = await make()
  } finally {
    deps.waitUntil(async () => {
      if (made?.ok === true && made.value.lifeMs > 0)
        await shared.keep(id, made.value.value, made.value.lifeMs)
      else if (lock !== null) await deps.cache.release(lock)
    })
  }
  return made.ok ? ok(made.value.value) : made
}

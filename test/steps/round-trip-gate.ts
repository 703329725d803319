/**
 * Counts round trips by holding every outgoing request of the functions. When nothing makes
 * progress any more, all held requests are released together as one round trip. Concurrent requests
 * therefore count once, and requests that the answer does not wait for are still held when it
 * arrives.
 */
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { vi } from 'vitest'
import { replaceRequest } from '../support/request-by-fetch.ts'

/** Nothing makes progress if this many checks in a row, 5 ms apart, see no change. */
const CHECKS = 6
const CHECK_MS = 5

export interface Gate {
  /**
   * Counts the round trips before the answer. Afterwards requests pass freely until the next call.
   */
  countRoundTrips(
    ask: () => Promise<Response>,
  ): Promise<{ readonly answer: Response; readonly roundTrips: number }>
  /** The number of requests that passed the gate. */
  passed(): number
  remove(): void
}

/** @param isOutside whether a request leaves the functions, rather than calls one of them. */
export function buildGate(isOutside: (url: URL) => boolean): Gate {
  const { fetch: send } = globalThis
  let held: (() => void)[] | null = null
  let [passed, underWay, moves] = [0, 0, 0]

  const open = () => {
    for (const go of held ?? []) go()
    held = null
  }
  const pass: typeof fetch = async (input, init) => {
    if (!isOutside(new URL(input instanceof Request ? input.url : input))) return send(input, init)
    passed += 1
    moves += 1
    const { promise: released, resolve } = Promise.withResolvers<void>()
    if (held === null) resolve()
    else held.push(resolve)
    await released
    underWay += 1
    return send(input, init).finally(() => {
      underWay -= 1
      moves += 1
    })
  }
  vi.stubGlobal('fetch', pass)
  const restoreRequest = replaceRequest(http, pass)

  async function untilStill(): Promise<void> {
    for (
      let [checks, seen] = [0, moves];
      checks < CHECKS;
      checks = underWay > 0 || moves !== seen ? 0 : checks + 1
    ) {
      seen = moves
      await sleep(CHECK_MS)
    }
  }

  return {
    async countRoundTrips(ask) {
      held = []
      let isAnswered = false
      const note = () => void (isAnswered = true)
      const answering = ask()
      answering.then(note, note)
      let roundTrips = 0
      for (;;) {
        await untilStill()
        if (isAnswered) break
        // Without a held request the step waits for something else: a pause or an answer in
        // transit.
        if (held.length > 0) roundTrips += 1
        for (const go of held.splice(0)) go()
      }
      open()
      return { answer: await answering, roundTrips }
    },
    passed: () => passed,
    remove() {
      vi.unstubAllGlobals()
      restoreRequest()
    },
  }
}

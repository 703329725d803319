/**
 * A gate in the functions' way out. Whenever nothing moves any more, all requests that stand before it are let through
 * together: one hop. Those that came side by side count once, and those nobody waits for are still held when the answer comes.
 */
import http from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { vi } from 'vitest'
import { requestBy } from '../support/request-by-fetch.ts'

/** So often in a row nothing may have happened, each time after everything that was due has had its turn. */
const LOOKS = 6
const LOOK_MS = 5

export interface Gate {
  /** The hops until the answer is there; then the gate stands open until it is asked again. */
  countHops(
    ask: () => Promise<Response>,
  ): Promise<{ readonly answer: Response; readonly hops: number }>
  /** Requests that went through it. */
  passed(): number
  remove(): void
}

/** @param isOutside whether a request is one of the functions' own, and not one to them. */
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
  const { request } = http
  const replaceRequest = (by: object) => {
    Object.assign(http, { request: by })
    syncBuiltinESMExports()
  }
  replaceRequest(requestBy(pass))

  async function untilStill(): Promise<void> {
    for (
      let [looks, seen] = [0, moves];
      looks < LOOKS;
      looks = underWay > 0 || moves !== seen ? 0 : looks + 1
    ) {
      seen = moves
      await sleep(LOOK_MS)
    }
  }

  return {
    async countHops(ask) {
      held = []
      let isAnswered = false
      const note = () => void (isAnswered = true)
      const answering = ask()
      answering.then(note, note)
      let hops = 0
      for (;;) {
        await untilStill()
        if (isAnswered) break
        // Neither an answer nor a request: something else is waited for, the answer on its way or a pause of the step's own.
        if (held.length > 0) hops += 1
        for (const go of held.splice(0)) go()
      }
      open()
      return { answer: await answering, hops }
    },
    passed: () => passed,
    remove() {
      vi.unstubAllGlobals()
      replaceRequest(request)
    },
  }
}

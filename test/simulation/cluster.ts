/** Runs our functions on instances that come and go, each request on one of them. */
import { createBackground } from '../../dev/world/background.ts'
import { actAs, type Instance } from './instance.ts'
import type { Luck } from './luck.ts'

export type FunctionFetch = (request: Request) => Promise<Response>

const INSTANCES = 3
/** Between two machines of one platform; far more than NTP allows, and less than a message may be old. */
const CLOCK_SKEW_MS = 90_000

export class Cluster {
  readonly #luck: Luck
  readonly #instances: Instance[] = []
  readonly #background = createBackground()
  #started = 0

  constructor(luck: Luck) {
    this.#luck = luck
  }

  /** Answers, or breaks the connection when the instance dies first. */
  async run(fetch: FunctionFetch, request: Request, luck: Luck): Promise<Response> {
    const instance = this.#anyInstance(luck)
    const { promise: died, reject } = Promise.withResolvers<never>()
    const tell = () => reject(new TypeError('the instance died'))
    instance.onDeath.add(tell)
    const running = actAs({ instance, luck: luck.next() }, () =>
      this.#background.run(request, () => fetch(request)),
    )
    return Promise.race([running, died]).finally(() => instance.onDeath.delete(tell))
  }

  /** Clocks go right, and nothing is frozen any more. */
  heal(): void {
    this.#instances.length = 0
    for (let index = 0; index < INSTANCES; index += 1) this.#instances.push(this.#start(0))
  }

  #anyInstance(luck: Luck): Instance {
    const index = Math.floor(luck.draw() * INSTANCES)
    const running = this.#instances[index]
    if (running !== undefined && !running.isDead) return running
    const offset = this.#luck.chance(0.5)
      ? 0
      : Math.round(this.#luck.between(-CLOCK_SKEW_MS, CLOCK_SKEW_MS))
    return (this.#instances[index] = this.#start(offset))
  }

  #start(clockOffsetMs: number): Instance {
    this.#started += 1
    return {
      name: `instance ${this.#started}`,
      clockOffsetMs,
      frozenUntil: 0,
      isDead: false,
      onDeath: new Set(),
    }
  }
}

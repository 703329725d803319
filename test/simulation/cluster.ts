/** Runs our functions on instances that start and die. Each request runs on one of them. */
import { createBackground } from '../../dev/world/background.ts'
import { createInstance } from '../../lib/composition.ts'
import { runAs, type Instance } from './instance.ts'
import type { Random } from './random.ts'

export type FunctionFetch = (request: Request) => Promise<Response>

const INSTANCES = 3

export class Cluster {
  readonly #random: Random
  readonly #instances: Instance[] = []
  readonly #background = createBackground()
  #started = 0
  #variables: Readonly<Record<string, string>>

  readonly #clockSkewMs: number

  /** @param clockSkewMs the most that the clock of an instance may differ from the world's */
  constructor(random: Random, variables: Readonly<Record<string, string>>, clockSkewMs: number) {
    this.#random = random
    this.#clockSkewMs = clockSkewMs
    this.#variables = variables
  }

  /** New requests run on new instances with these variables. The requests under way continue. */
  deploy(variables: Readonly<Record<string, string>>): void {
    this.#variables = variables
    this.#instances.length = 0
  }

  /**
   * Resolves with the answer. Rejects, as a broken connection does, when the instance dies first.
   */
  async run(fetch: FunctionFetch, request: Request, random: Random): Promise<Response> {
    const instance = this.#anyInstance(random)
    const { promise: died, reject } = Promise.withResolvers<never>()
    const rejectOnDeath = () => reject(new TypeError('the instance died'))
    instance.onDeath.add(rejectOnDeath)
    const running = runAs({ instance, random: random.next() }, () =>
      this.#background.run(request, () => fetch(request)),
    )
    return Promise.race([running, died]).finally(() => instance.onDeath.delete(rejectOnDeath))
  }

  /** Replaces every instance by a new one with a correct clock. */
  heal(): void {
    this.#instances.length = 0
    for (let index = 0; index < INSTANCES; index += 1) this.#instances.push(this.#start(0))
  }

  #anyInstance(random: Random): Instance {
    const index = Math.floor(random.draw() * INSTANCES)
    const running = this.#instances[index]
    if (running !== undefined && !running.isDead) return running
    const offset = this.#random.chance(0.5)
      ? 0
      : Math.round(this.#random.between(-this.#clockSkewMs, this.#clockSkewMs))
    return (this.#instances[index] = this.#start(offset))
  }

  #start(clockOffsetMs: number): Instance {
    this.#started += 1
    return {
      name: `instance ${this.#started}`,
      composition: createInstance(this.#variables),
      clockOffsetMs,
      frozenUntil: 0,
      isDead: false,
      onDeath: new Set(),
    }
  }
}

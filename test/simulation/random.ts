/**
 * Repeatable randomness. A draw is a hash of a seed and a counter. So one action's random choices
 * do not depend on other actions, and a smaller history can fail for the same reason.
 */
import { createHash } from 'node:crypto'

export class Random {
  readonly #seed: string
  #drawn = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  draw(): number {
    return this.bytes(6).readUIntBE(0, 6) / 2 ** 48
  }

  chance(probability: number): boolean {
    return this.draw() < probability
  }

  between(min: number, max: number): number {
    return min + this.draw() * (max - min)
  }

  /** @throws if `choices` is empty. */
  pick<T>(choices: readonly T[]): T {
    const picked = choices[Math.floor(this.draw() * choices.length)]
    if (picked === undefined) throw new Error('there is no choice to pick from')
    return picked
  }

  /** So many different ones of `all`, in random order, or all of them. */
  sample<T>(all: readonly T[], count: number): readonly T[] {
    const left = [...all]
    return all.slice(0, count).flatMap(() => left.splice(Math.floor(this.draw() * left.length), 1))
  }

  bytes(count: number): Buffer {
    const blocks = Array.from({ length: Math.ceil(count / 32) }, () =>
      createHash('sha256')
        .update(`${this.#seed}/${(this.#drawn += 1)}`)
        .digest(),
    )
    return Buffer.concat(blocks).subarray(0, count)
  }

  /** Returns an independent generator. */
  next(): Random {
    return new Random(`${this.#seed}/${(this.#drawn += 1)}`)
  }
}

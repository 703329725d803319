/**
 * Chance that can be repeated. A draw is a hash of a name and a running number, nothing else: what happens to one action
 * does not depend on what other actions there are, so that a history can shrink and still fail for the same reason.
 */
import { createHash } from 'node:crypto'

export class Luck {
  readonly #name: string
  #drawn = 0

  constructor(name: string) {
    this.#name = name
  }

  /** From 0 up to, but not including, 1. */
  draw(): number {
    return this.bytes(6).readUIntBE(0, 6) / 2 ** 48
  }

  chance(probability: number): boolean {
    return this.draw() < probability
  }

  between(least: number, most: number): number {
    return least + this.draw() * (most - least)
  }

  /** @throws where there is nothing to pick from. */
  pick<T>(choices: readonly T[]): T {
    const picked = choices[Math.floor(this.draw() * choices.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  bytes(count: number): Buffer {
    const blocks = Array.from({ length: Math.ceil(count / 32) }, () =>
      createHash('sha256')
        .update(`${this.#name}/${(this.#drawn += 1)}`)
        .digest(),
    )
    return Buffer.concat(blocks).subarray(0, count)
  }

  /** Luck of its own for the next thing that happens. */
  next(): Luck {
    return new Luck(`${this.#name}/${(this.#drawn += 1)}`)
  }
}

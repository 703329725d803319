/** The feed of the local world: every message between two of its parts, for a diagram. */

/**
 * One part of the world. The functions call themselves when Vercel's scheduler does: a request to
 * `/api/cron` goes from `functions` to `functions`.
 */
export type Lane = 'phone' | 'functions' | 'redis' | 'database' | 'wechat' | 'merchant'

/** The signed text of a message, and whether its signature holds. */
export interface Signed {
  /** A key in it is replaced by `***`. */
  readonly text: string
  readonly algorithm: string
  readonly holds: boolean
}

/** The headers and the body of a message. */
export interface Content {
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** At most `LONGEST_BODY` characters. */
  readonly body: string
  /** `unzipped`: the message was compressed. `base64`: it is not text. */
  readonly bodyIs: 'text' | 'unzipped' | 'base64'
  /** Whether the body was longer. */
  readonly isCut: boolean
  /** Null if the message has no signature. */
  readonly signed: Signed | null
}

/** One request and its answer. */
export interface Exchange {
  /** Counts the exchanges in the order in which they began. */
  readonly id: number
  /**
   * `open`: not answered yet. `broken`: the connection ended without a complete answer, and
   * `response` holds what was received.
   */
  readonly state: 'open' | 'answered' | 'broken'
  /** The start, in milliseconds by the world's clock, which may be moved ahead. */
  readonly at: number
  /** In real time. Null while it is open. */
  readonly durationMs: number | null
  readonly from: Lane
  readonly to: Lane
  /** For a person: `POST /api/prepay`, `SET wxpay:…`, `select … from orders`, `unifiedorder`. */
  readonly title: string
  readonly request: Content & { readonly method: string; readonly url: string }
  /** Null without an answer. */
  readonly response: (Content & { readonly status: number }) | null
  /** The switched-on faults that may have changed it, such as `database=down`. Null without one. */
  readonly fault: string | null
  /** The order that it is about. Null if the messages name none. */
  readonly outTradeNo: string | null
}

/** A new version of an exchange: when it begins and when it ends. */
export interface FeedEntry {
  /** Counts all versions. */
  readonly version: number
  readonly exchange: Exchange
}

export const LONGEST_BODY = 32_768

/** Older exchanges are dropped. */
const KEPT = 2_000

export class Feed {
  /** By the id of the exchange, which is also their order. */
  readonly #entries = new Map<number, FeedEntry>()
  readonly #readers = new Set<(entry: FeedEntry) => void>()
  #version = 0
  #id = 0

  nextId(): number {
    this.#id += 1
    return this.#id
  }

  /** Adds an exchange, or its new version. */
  put(exchange: Exchange): void {
    this.#version += 1
    const entry = { version: this.#version, exchange }
    const oldest = this.#entries.keys().next().value
    if (this.#entries.size >= KEPT && !this.#entries.has(exchange.id) && oldest !== undefined)
      this.#entries.delete(oldest)
    this.#entries.set(exchange.id, entry)
    this.#readers.forEach((read) => read(entry))
  }

  /** The latest version of each exchange that is newer than `version`, oldest version first. */
  since(version: number): readonly FeedEntry[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.version > version)
      .toSorted((one, other) => one.version - other.version)
  }

  exchanges(): readonly Exchange[] {
    return [...this.#entries.values()].map(({ exchange }) => exchange)
  }

  /** @returns a function that ends the subscription */
  subscribe(read: (entry: FeedEntry) => void): () => void {
    this.#readers.add(read)
    return () => void this.#readers.delete(read)
  }
}

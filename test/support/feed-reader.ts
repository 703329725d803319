/** Reads `GET /world/feed` as a browser does. */
import type { Exchange } from '../../dev/world/feed.ts'

export interface FeedEvent {
  readonly id: string | null
  readonly event: string
  readonly data: string
}

export interface FeedReader {
  /** Reads on until an event fits, and returns the events up to this one. */
  until(fits: (event: FeedEvent) => boolean): Promise<readonly FeedEvent[]>
  close(): Promise<void>
}

export async function readFeed(url: string, lastEventId?: string): Promise<FeedReader> {
  const response = await fetch(`${url}/world/feed`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  })
  if (response.body === null) throw new Error('the feed has no body')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let left = ''
  const events = (async function* () {
    for (;;) {
      const end = left.indexOf('\n\n')
      if (end === -1) {
        const { done, value } = await reader.read()
        if (done) return
        left += value
      } else {
        const block = left.slice(0, end)
        left = left.slice(end + 2)
        const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? null
        const event = field('event')
        if (event !== null) yield { id: field('id'), event, data: field('data') ?? '' }
      }
    }
  })()
  return {
    async until(fits) {
      const read: FeedEvent[] = []
      for (;;) {
        const next = await events.next()
        if (next.done === true) throw new Error(`the feed ended after ${JSON.stringify(read)}`)
        read.push(next.value)
        if (fits(next.value)) return read
      }
    },
    close: () => reader.cancel(),
  }
}

export function toExchange({ data }: FeedEvent): Exchange {
  const exchange: Exchange = JSON.parse(data)
  return exchange
}

/** The exchanges of the feed, in the order in which they began. */
export async function storedExchanges(url: string): Promise<readonly Exchange[]> {
  const feed = await readFeed(url)
  const events = await feed.until(({ event }) => event === 'live')
  await feed.close()
  return events
    .filter(({ event }) => event === 'exchange')
    .map(toExchange)
    .toSorted((one, other) => one.id - other.id)
}

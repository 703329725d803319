/** The messages of the local world, live, in the order in which they began. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Exchange, Lane } from '../../../world/feed.ts'

const lanes: readonly Lane[] = ['phone', 'functions', 'redis', 'database', 'wechat', 'merchant']

const isStore = (lane: Lane): boolean => lane === 'redis' || lane === 'database'

export const isWithStore = ({ to }: Exchange): boolean => isStore(to)

/** The lanes of the diagram. Without the stores a newcomer sees the payment alone. */
export const lanesOf = (hasStores: boolean): readonly Lane[] =>
  hasStores ? lanes : lanes.filter((lane) => !isStore(lane))

export interface LiveFeed {
  /** Oldest first. */
  readonly exchanges: readonly Exchange[]
  /** `connecting` until the first connection; `lost` while the world does not answer. */
  readonly state: 'connecting' | 'live' | 'lost'
}

/** The time to collect messages before they are drawn, so that a burst is drawn once. */
const COLLECT_MS = 50
/** As many as the local world keeps. */
const KEPT = 2_000
/** The delay before a new connection if the browser has given up. */
const RECONNECT_MS = 2_000

export function useFeed(): LiveFeed {
  const [exchanges, setExchanges] = useState<readonly Exchange[]>([])
  const [state, setState] = useState<LiveFeed['state']>('connecting')
  const byId = useRef(new Map<number, Exchange>())

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let reconnecting: ReturnType<typeof setTimeout> | undefined
    let source: EventSource
    const draw = () => {
      timer = undefined
      const sorted = [...byId.current.values()].toSorted((one, other) => one.id - other.id)
      for (const { id } of sorted.slice(0, -KEPT)) byId.current.delete(id)
      setExchanges(sorted.slice(-KEPT))
    }
    const connect = () => {
      source = new EventSource('/world/feed')
      source.addEventListener('reset', () => {
        byId.current.clear()
        timer ??= setTimeout(draw, COLLECT_MS)
      })
      source.addEventListener('exchange', ({ data }: MessageEvent<string>) => {
        const exchange: unknown = JSON.parse(data)
        if (!isExchange(exchange)) return
        byId.current.set(exchange.id, exchange)
        timer ??= setTimeout(draw, COLLECT_MS)
      })
      source.addEventListener('live', () => setState('live'))
      source.addEventListener('error', () => {
        setState('lost')
        if (source.readyState === EventSource.CLOSED)
          reconnecting = setTimeout(connect, RECONNECT_MS)
      })
    }
    connect()
    return () => {
      source.close()
      clearTimeout(timer)
      clearTimeout(reconnecting)
    }
  }, [])
  return { exchanges, state }
}

/** The sender is in the same project, so the feed has the sender's type. */
const isExchange = (value: unknown): value is Exchange =>
  typeof value === 'object' && value !== null && 'id' in value && 'request' in value

/** Whether the signatures of an exchange hold; null if it has none. */
export function holdsIn({ request, response }: Exchange): boolean | null {
  const signed = [request.signed, response?.signed ?? null].filter((found) => found !== null)
  return signed.length === 0 ? null : signed.every(({ holds }) => holds)
}

/** The outcome of an exchange, as the class for its colours. */
export function outcomeOf(exchange: Exchange): 'open' | 'good' | 'bad' {
  const { state, response } = exchange
  if (state === 'open') return 'open'
  const isFine = state === 'answered' && response !== null && response.status < 400
  return isFine && holdsIn(exchange) !== false ? 'good' : 'bad'
}

/** The status, such as `200`, or the reason why it is missing. */
export const statusOf = ({ state, response }: Exchange): string | null =>
  state === 'answered' && response !== null ? String(response.status) : null

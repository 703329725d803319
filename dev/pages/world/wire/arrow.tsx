/** One arrow of the diagram: from lane to lane, with its title, its outcome and its duration. */
import type { Exchange, Lane } from '../../../world/feed.ts'
import { useTexts } from '../../base/language.tsx'
import { holdsIn, outcomeOf, statusOf } from './feed.ts'
import { laneTexts, wireTexts } from './texts.ts'
import { useWords } from './words.ts'

type SayWire = ReturnType<typeof useTexts<keyof typeof wireTexts>>

export const describeStatus = (exchange: Exchange, say: SayWire): string =>
  statusOf(exchange) ?? say(exchange.state === 'open' ? 'open' : 'noAnswer')

const marks = { open: '…', good: '', bad: '✕' } as const

interface ArrowProps {
  readonly exchange: Exchange
  readonly lanes: readonly Lane[]
}

/** The sentence for a screen reader: the time, the two lanes, the title and the outcome. */
export function Arrow({ exchange, lanes }: ArrowProps) {
  const say = useTexts(wireTexts)
  const sayLane = useTexts(laneTexts)
  const words = useWords()
  const { durationMs } = exchange
  const [from, to] = [lanes.indexOf(exchange.from), lanes.indexOf(exchange.to)]
  const place = { '--left': Math.min(from, to), '--span': Math.abs(to - from) }
  const direction = from === to ? 'to-itself' : from < to ? 'to-right' : 'to-left'
  const side = from + to >= lanes.length ? 'at-right' : 'at-left'
  const outcome = outcomeOf(exchange)
  const holds = holdsIn(exchange)
  const way = { from: sayLane(exchange.from), to: sayLane(exchange.to) }
  return (
    <>
      <span class={`arrow ${direction} ${outcome}`} style={place} />
      <span class="visually-hidden">{`${showClock(exchange.at)}, ${say('way', way)}: `}</span>
      <span class={`arrow-title ${side}`} style={place}>
        {holds !== null && (
          <span class={holds ? 'good' : 'bad'}>
            <span aria-hidden="true">{holds ? '✓ ' : '✗ '}</span>
            <span class="visually-hidden">{say(holds ? 'holds' : 'fails')}, </span>
          </span>
        )}
        {words(exchange)}
      </span>
      <span class="arrow-end">
        <span class={outcome}>
          {statusOf(exchange) ?? (
            <>
              <span aria-hidden="true">{marks[outcome]}</span>
              <span class="visually-hidden">{describeStatus(exchange, say)}</span>
            </>
          )}
        </span>
        <span>{durationMs === null ? '' : say('duration', { ms: Math.round(durationMs) })}</span>
      </span>
    </>
  )
}

/** The time of day, with milliseconds. */
export const showClock = (at: number): string => {
  const time = new Date(at)
  const [h, m, s] = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${h}:${m}:${s}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

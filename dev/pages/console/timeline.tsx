import { useRef, useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import type { Entry } from './answers.ts'
import { HandleIncident } from './handle-incident.tsx'
import { useLabel } from './labels.ts'
import { toYuan } from './money.ts'
import { Raw } from './raw.tsx'
import { hrefOf } from './route.ts'
import { SendEvent } from './send-event.tsx'
import { toBeijing } from './time.ts'

/** The most entries in the document. */
const PAGE = 50

const texts = {
  title: ['Timeline', '时间线'],
  earlier: ['Earlier', '更早'],
  later: ['Later', '更晚'],
  latest: ['Latest', '最新'],
  range: ['{from} to {to} of {count}', '第 {from}–{to} 条，共 {count} 条'],
  yes: ['yes', '是'],
  no: ['no', '否'],
} as const

interface Props {
  /** Oldest first. */
  readonly entries: readonly Entry[]
  readonly reload: () => void
}

/** Everything that is stored about an order, oldest first. */
export function Timeline({ entries, reload }: Props) {
  const say = useTexts(texts)
  const [start, setStart] = useState(0)
  const section = useRef<HTMLElement>(null)
  const lastStart = Math.floor((entries.length - 1) / PAGE) * PAGE
  /** The buttons are below the page, and its first entry is above. */
  const goTo = (first: number) => {
    setStart(first)
    section.current?.scrollIntoView()
  }
  const shown = entries.slice(start, start + PAGE)
  const handled = new Set(
    entries.filter(({ kind }) => kind === 'incident_handled').map(({ facts }) => facts['id']),
  )
  return (
    <section ref={section} class="card" aria-labelledby="timeline">
      <h2 id="timeline">{say('title')}</h2>
      <ol class="timeline">
        {shown.map((entry, index) => (
          <Moment
            key={start + index}
            entry={entry}
            isHandled={handled.has(entry.facts['id'] ?? '')}
            reload={reload}
          />
        ))}
      </ol>
      {entries.length > PAGE && (
        <div class="pages">
          <button type="button" disabled={start === 0} onClick={() => goTo(start - PAGE)}>
            {say('earlier')}
          </button>
          <span role="status">
            {say('range', {
              from: start + 1,
              to: start + shown.length,
              count: entries.length,
            })}
          </span>
          <div class="row">
            <button type="button" disabled={start >= lastStart} onClick={() => goTo(start + PAGE)}>
              {say('later')}
            </button>
            <button type="button" disabled={start >= lastStart} onClick={() => goTo(lastStart)}>
              {say('latest')}
            </button>
          </div>
        </div>
      )}
    </section>
  )
}

interface MomentProps {
  readonly entry: Entry
  readonly isHandled: boolean
  readonly reload: () => void
}

/** Facts that only the console needs. */
const HIDDEN = ['id']

const tones: Readonly<Record<string, string>> = {
  paid: 'good',
  payment_recorded: 'good',
  settled: 'good',
  incident: 'bad',
  complaint: 'bad',
  overdue: 'bad',
  refund_parked: 'bad',
}

function Moment({ entry: { at, kind, facts }, isHandled, reload }: MomentProps) {
  const say = useTexts(texts)
  const label = useLabel()
  const shown = (name: string, value: string | number | boolean): string => {
    if (typeof value === 'boolean') return value ? say('yes') : say('no')
    if (typeof value === 'number') return name.endsWith('Fee') ? toYuan(value) : String(value)
    if (name === 'refundStatus') return label(value, 'refund')
    if (name === 'state' && kind === 'complaint') return label(value, 'complaint')
    const isOurWord = ['source', 'logisticsType', 'shippingState', 'code'].includes(name)
    return isOurWord ? label(value) : value
  }
  const { id, complaintId } = facts
  return (
    <li class={tones[kind] ?? ''}>
      <p>
        <strong>{label(kind)}</strong> <time dateTime={at}>{toBeijing(at)}</time>
      </p>
      <ul class="said">
        {Object.entries(facts).map(([name, value]) =>
          HIDDEN.includes(name) ? null : (
            <li key={name}>
              <span class="quiet">{label(name, 'fact')}</span>{' '}
              {name === 'complaintId' && typeof complaintId === 'string' ? (
                <a href={hrefOf('complaint', complaintId)}>{complaintId}</a>
              ) : (
                <bdi>{shown(name, value)}</bdi>
              )}
            </li>
          ),
        )}
      </ul>
      <Raw value={{ at, kind, facts }} />
      {kind === 'event' && typeof id === 'string' && <SendEvent id={id} onDone={reload} />}
      {kind === 'incident' && typeof id === 'number' && !isHandled && (
        <HandleIncident id={id} onDone={reload} />
      )}
    </li>
  )
}

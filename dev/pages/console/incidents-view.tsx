import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readIncidents, type Incident } from './answers.ts'
import { Choice } from './choice.tsx'
import { HandleIncident } from './handle-incident.tsx'
import { useLabel } from './labels.ts'
import { ListView } from './list-view.tsx'
import { OrderLink } from './order-link.tsx'
import { PeriodFields, timesOf, usePeriod } from './period-fields.tsx'
import { useSession } from './session.tsx'
import { Side, toText } from './side.tsx'
import { toBeijing } from './time.ts'

const texts = {
  title: ['Incidents', '异常'],
  empty: ['No incident matches the filter.', '没有符合条件的异常。'],
  state: ['State', '状态'],
  open: ['Open', '未处理'],
  handled: ['Handled', '已处理'],
  all: ['All', '全部'],
  kind: ['Kind', '类型'],
  order: ['Order', '订单号'],
  expected: ['Expected', '应为'],
  received: ['Received', '收到'],
  source: ['Source', '来源'],
  at: ['Time', '时间'],
  result: ['Handled', '处理情况'],
} as const

/** @param initial the state to begin with */
export function IncidentsView({ initial }: { readonly initial: string }) {
  const say = useTexts(texts)
  const label = useLabel()
  const { client } = useSession()
  const [state, setState] = useState(initial)
  const [period, setPeriod] = usePeriod()
  const { from, to } = timesOf(period)
  return (
    <ListView<Incident>
      title={say('title')}
      empty={say('empty')}
      filter={`${state} ${from} ${to}`}
      file="incidents"
      rowKey={({ id }) => id}
      load={(cursor, limit) =>
        client.get('/api/console/incidents', { state, from, to, cursor, limit }, readIncidents)
      }
      columns={[
        { label: say('kind'), text: ({ kind }) => kind },
        {
          label: say('order'),
          text: ({ outTradeNo }) => outTradeNo ?? '',
          cell: ({ outTradeNo }) => <OrderLink outTradeNo={outTradeNo} />,
        },
        {
          label: say('expected'),
          text: ({ expected }) => toText(expected),
          cell: ({ expected }) => <Side side={expected} />,
        },
        {
          label: say('received'),
          text: ({ received }) => toText(received),
          cell: ({ received }) => <Side side={received} />,
        },
        { label: say('source'), text: ({ source }) => label(source) },
        { label: say('at'), text: ({ occurredAt }) => toBeijing(occurredAt) },
        {
          label: say('result'),
          text: ({ handledAt, note }) =>
            handledAt === undefined ? '' : `${toBeijing(handledAt)} ${note ?? ''}`,
          cell: ({ id, handledAt, note }, reload) =>
            handledAt === undefined ? (
              <HandleIncident id={id} onDone={reload} />
            ) : (
              <>
                <span class="quiet">{toBeijing(handledAt)}</span> <bdi>{note}</bdi>
              </>
            ),
        },
      ]}
    >
      <Choice
        label={say('state')}
        value={state}
        onChoose={setState}
        options={[
          ['', say('all')],
          ['open', say('open')],
          ['handled', say('handled')],
        ]}
      />
      <PeriodFields period={period} onChoose={setPeriod} />
    </ListView>
  )
}

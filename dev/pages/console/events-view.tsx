import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readEvents, type LoggedEvent } from './answers.ts'
import { Choice } from './choice.tsx'
import { useLabel } from './labels.ts'
import { ListView } from './list-view.tsx'
import { OrderLink } from './order-link.tsx'
import { Raw } from './raw.tsx'
import { SendEvent } from './send-event.tsx'
import { PeriodFields, timesOf, usePeriod } from './period-fields.tsx'
import { useSession } from './session.tsx'
import { StateMark } from './state-mark.tsx'
import { toBeijing } from './time.ts'

const texts = {
  title: ['Events', '事件'],
  empty: ['No event matches the filter.', '没有符合条件的事件。'],
  state: ['State', '状态'],
  all: ['All', '全部'],
  undelivered: ['Not delivered', '未送达'],
  parked: ['Given up', '已放弃'],
  type: ['Type', '类型'],
  order: ['Order', '订单号'],
  stored: ['Stored', '产生时间'],
  attempts: ['Attempts', '发送次数'],
  last: ['Last outcome', '最近结果'],
  next: ['Next attempt', '下次发送'],
  data: ['Data', '内容'],
} as const

/** @param initial the state to begin with */
export function EventsView({ initial }: { readonly initial: string }) {
  const say = useTexts(texts)
  const label = useLabel()
  const { client } = useSession()
  const [state, setState] = useState(initial)
  const [period, setPeriod] = usePeriod()
  const { from, to } = timesOf(period)
  return (
    <ListView<LoggedEvent>
      title={say('title')}
      empty={say('empty')}
      filter={`${state} ${from} ${to}`}
      file="events"
      rowKey={({ id }) => id}
      load={(cursor, limit) =>
        client.get('/api/console/events', { state, from, to, cursor, limit }, readEvents)
      }
      columns={[
        { label: say('type'), text: ({ type }) => type },
        {
          label: say('order'),
          text: ({ outTradeNo }) => outTradeNo ?? '',
          cell: ({ outTradeNo }) => <OrderLink outTradeNo={outTradeNo} />,
        },
        {
          label: say('state'),
          text: (event) => label(event.state),
          cell: (event) => <StateMark state={event.state} />,
        },
        { label: say('stored'), text: ({ createdAt }) => toBeijing(createdAt) },
        {
          label: say('attempts'),
          text: ({ attempts }) => String(attempts.length),
          isNumber: true,
        },
        { label: say('last'), text: ({ attempts }) => label(attempts.at(-1)?.code ?? '') },
        {
          label: say('next'),
          text: ({ nextAttemptAt }) =>
            nextAttemptAt === undefined ? '' : toBeijing(nextAttemptAt),
        },
        {
          label: say('data'),
          text: ({ data }) => JSON.stringify(data),
          cell: ({ id, data }, reload) => (
            <>
              <Raw value={data} />
              <SendEvent id={id} onDone={reload} />
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
          ['undelivered', say('undelivered')],
          ['parked', say('parked')],
        ]}
      />
      <PeriodFields period={period} onChoose={setPeriod} />
    </ListView>
  )
}

import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readOrders, type Order } from './answers.ts'
import { Choice } from './choice.tsx'
import { ListView } from './list-view.tsx'
import { useLabel } from './labels.ts'
import { useOrderColumns } from './order-columns.tsx'
import { PeriodFields, timesOf, usePeriod } from './period-fields.tsx'
import { useSession } from './session.tsx'

const STATES = ['NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED'] as const

const texts = {
  title: ['Orders', '订单'],
  empty: ['No order matches the filter.', '没有符合条件的订单。'],
  state: ['State', '状态'],
  all: ['All', '全部'],
} as const

/** @param initial the state to begin with; empty for all */
export function OrdersView({ initial }: { readonly initial: string }) {
  const say = useTexts(texts)
  const label = useLabel()
  const { client } = useSession()
  const [state, setState] = useState<string>(STATES.find((one) => one === initial) ?? '')
  const [period, setPeriod] = usePeriod()
  const { from, to } = timesOf(period)
  return (
    <ListView<Order>
      title={say('title')}
      empty={say('empty')}
      columns={useOrderColumns()}
      filter={`${state} ${from} ${to}`}
      file="orders"
      rowKey={({ outTradeNo }) => outTradeNo}
      load={(cursor, limit) =>
        client.get(
          '/api/orders',
          { tradeState: state, createdFrom: from, createdTo: to, cursor, limit },
          readOrders,
        )
      }
    >
      <Choice
        label={say('state')}
        value={state}
        onChoose={setState}
        options={[['', say('all')], ...STATES.map((one) => [one, label(one)] as const)]}
      />
      <PeriodFields period={period} onChoose={setPeriod} />
    </ListView>
  )
}

import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readOrders, type Order } from './answers.ts'
import { ListView } from './list-view.tsx'
import { useLabel } from './labels.ts'
import { useOrderColumns } from './order-columns.tsx'
import { useSession } from './session.tsx'
import { endOf, startOf } from './time.ts'

const STATES = ['NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED'] as const

const texts = {
  title: ['Orders', '订单'],
  empty: ['No order matches the filter.', '没有符合条件的订单。'],
  state: ['State', '状态'],
  all: ['All', '全部'],
  from: ['Placed from', '下单日期'],
  to: ['to', '至'],
} as const

/** @param initial the state to begin with; empty for all */
export function OrdersView({ initial }: { readonly initial: string }) {
  const say = useTexts(texts)
  const label = useLabel()
  const { client } = useSession()
  const [state, setState] = useState<string>(STATES.find((one) => one === initial) ?? '')
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
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
          { tradeState: state, createdFrom: startOf(from), createdTo: endOf(to), cursor, limit },
          readOrders,
        )
      }
    >
      <label>
        {say('state')}
        <select value={state} onChange={(event) => setState(event.currentTarget.value)}>
          <option value="">{say('all')}</option>
          {STATES.map((one) => (
            <option key={one} value={one}>
              {label(one)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {say('from')}
        <input
          type="date"
          value={from}
          max={to}
          onChange={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label>
        {say('to')}
        <input
          type="date"
          value={to}
          min={from}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
      </label>
    </ListView>
  )
}

import { useTexts } from '../base/language.tsx'
import { readShipments, type Shipping } from './answers.ts'
import { useLabel } from './labels.ts'
import { ListView } from './list-view.tsx'
import { toYuan } from './money.ts'
import { OrderLink } from './order-link.tsx'
import { useSession } from './session.tsx'
import { StateMark } from './state-mark.tsx'
import { toBeijing } from './time.ts'

const texts = {
  title: ['Shipments', '发货'],
  empty: ['No shipment failed, and none is overdue.', '没有失败或超时的发货。'],
  means: [
    'Paid orders that are not shipped in time, or whose shipment WeChat refused. Their money is frozen.',
    '已支付但未按时发货，或发货被微信拒绝的订单。这些订单的资金被冻结。',
  ],
  order: ['Order', '订单号'],
  amount: ['Amount', '金额'],
  paid: ['Paid', '支付时间'],
  shipment: ['Shipment', '发货状态'],
  none: ['Not shipped', '未发货'],
  overdue: ['Overdue since', '超时时间'],
  confirmed: ['Receipt confirmed', '确认收货'],
  why: ['WeChat says', '微信说明'],
} as const

export function ShipmentsView() {
  const say = useTexts(texts)
  const label = useLabel()
  const { client } = useSession()
  const time = (at: string | undefined) => (at === undefined ? '' : toBeijing(at))
  return (
    <ListView<Shipping>
      title={say('title')}
      empty={say('empty')}
      filter=""
      file="shipments"
      rowKey={({ outTradeNo }) => outTradeNo}
      load={(cursor, limit) =>
        client.get('/api/console/shipments', { cursor, limit }, readShipments)
      }
      columns={[
        {
          label: say('order'),
          text: ({ outTradeNo }) => outTradeNo,
          cell: ({ outTradeNo }) => <OrderLink outTradeNo={outTradeNo} />,
        },
        { label: say('amount'), text: ({ totalFee }) => toYuan(totalFee), isNumber: true },
        { label: say('paid'), text: ({ paidAt }) => time(paidAt) },
        {
          label: say('shipment'),
          text: ({ shippingState }) =>
            shippingState === undefined ? say('none') : label(shippingState),
          cell: ({ shippingState }) =>
            shippingState === undefined ? say('none') : <StateMark state={shippingState} />,
        },
        { label: say('overdue'), text: ({ overdueAt }) => time(overdueAt) },
        { label: say('confirmed'), text: ({ confirmedAt }) => time(confirmedAt) },
        {
          label: say('why'),
          text: ({ shipment }) => shipment?.errText ?? shipment?.errCode ?? '',
        },
      ]}
    >
      <p class="quiet">{say('means')}</p>
    </ListView>
  )
}

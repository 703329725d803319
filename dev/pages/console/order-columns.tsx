import { useTexts } from '../base/language.tsx'
import type { Order } from './answers.ts'
import { useLabel } from './labels.ts'
import type { Column } from './list-view.tsx'
import { toYuan } from './money.ts'
import { OrderLink } from './order-link.tsx'
import { StateMark } from './state-mark.tsx'
import { toBeijing } from './time.ts'

const texts = {
  order: ['Order', '订单号'],
  state: ['State', '状态'],
  amount: ['Amount', '金额'],
  refunded: ['Refunded', '已退'],
  what: ['Description', '商品描述'],
  placed: ['Placed', '下单时间'],
  paid: ['Paid', '支付时间'],
  payer: ['Payer', '付款人 openid'],
} as const

/** The columns of every list of orders. */
export function useOrderColumns(): readonly Column<Order>[] {
  const say = useTexts(texts)
  const label = useLabel()
  const time = (at: string | undefined) => (at === undefined ? '' : toBeijing(at))
  return [
    {
      label: say('order'),
      text: ({ outTradeNo }) => outTradeNo,
      cell: ({ outTradeNo }) => <OrderLink outTradeNo={outTradeNo} />,
    },
    {
      label: say('state'),
      text: ({ tradeState }) => label(tradeState),
      cell: ({ tradeState }) => <StateMark state={tradeState} />,
    },
    { label: say('amount'), text: ({ totalFee }) => toYuan(totalFee), isNumber: true },
    {
      label: say('refunded'),
      text: ({ refundedFee = 0 }) => (refundedFee === 0 ? '' : toYuan(refundedFee)),
      isNumber: true,
    },
    { label: say('what'), text: ({ body }) => body },
    { label: say('placed'), text: ({ createdAt }) => time(createdAt) },
    { label: say('paid'), text: ({ paidAt }) => time(paidAt) },
    {
      label: say('payer'),
      text: ({ openid }) => openid,
      cell: ({ openid }) => <bdi class="long">{openid}</bdi>,
    },
  ]
}

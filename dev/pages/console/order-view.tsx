import { useTexts } from '../base/language.tsx'
import { readHistory, type Order } from './answers.ts'
import { toYuan } from './money.ts'
import { OrderActions } from './order-actions.tsx'
import { Raw } from './raw.tsx'
import { useSession } from './session.tsx'
import { Show } from './show.tsx'
import { StateMark } from './state-mark.tsx'
import { toBeijing } from './time.ts'
import { Timeline } from './timeline.tsx'
import { useAnswer } from './use-answer.ts'

const texts = {
  title: ['Order {outTradeNo}', '订单 {outTradeNo}'],
  facts: ['Facts', '订单信息'],
  refresh: ['Refresh', '刷新'],
  state: ['State', '状态'],
  amount: ['Amount', '金额'],
  refunded: ['Refunded', '已退'],
  what: ['Description', '商品描述'],
  items: ['Items', '商品'],
  attach: ['Attached data', '附加数据'],
  placed: ['Placed', '下单时间'],
  expires: ['Can be paid until', '支付截止'],
  paid: ['Paid', '支付时间'],
  payment: ['Payment number', '支付单号'],
  payer: ['Payer', '付款人 openid'],
  shipment: ['Shipment', '发货状态'],
  confirmed: ['Receipt confirmed', '确认收货'],
  settled: ['Money released', '资金结算'],
} as const

/** One order: its history, its facts and its actions. */
export function OrderView({ outTradeNo }: { readonly outTradeNo: string }) {
  const say = useTexts(texts)
  const { client } = useSession()
  const [loaded, reload] = useAnswer(outTradeNo, () =>
    client.get('/api/console/orders', { outTradeNo }, readHistory),
  )
  return (
    <>
      <div class="head">
        <h1>{say('title', { outTradeNo })}</h1>
        <button type="button" onClick={reload}>
          {say('refresh')}
        </button>
      </div>
      <Show loaded={loaded} retry={reload}>
        {({ order, timeline }) => (
          <div class="order">
            <div>
              <Facts order={order} />
              <OrderActions order={order} timeline={timeline} reload={reload} />
            </div>
            <Timeline entries={timeline} reload={reload} />
          </div>
        )}
      </Show>
    </>
  )
}

function Facts({ order }: { readonly order: Order }) {
  const say = useTexts(texts)
  const time = (at: string | undefined) => (at === undefined ? undefined : toBeijing(at))
  const items = order.items?.map(
    ({ name, price, quantity }) => `${name} ${toYuan(price)} × ${quantity}`,
  )
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    [say('amount'), toYuan(order.totalFee)],
    [say('refunded'), order.refundedFee === undefined ? undefined : toYuan(order.refundedFee)],
    [say('what'), order.body],
    [say('items'), items?.join(', ')],
    [say('attach'), order.attach],
    [say('placed'), time(order.createdAt)],
    [say('expires'), order.tradeState === 'NOTPAY' ? time(order.timeExpire) : undefined],
    [say('paid'), time(order.paidAt)],
    [say('payment'), order.transactionId],
    [say('payer'), order.openid],
    [say('confirmed'), time(order.confirmedAt)],
    [say('settled'), time(order.settledAt)],
  ]
  return (
    <section class="card" aria-labelledby="facts">
      <h2 id="facts">{say('facts')}</h2>
      <dl class="facts">
        <div>
          <dt>{say('state')}</dt>
          <dd>
            <StateMark state={order.tradeState} />
          </dd>
        </div>
        {order.shippingState !== undefined && (
          <div>
            <dt>{say('shipment')}</dt>
            <dd>
              <StateMark state={order.shippingState} />
            </dd>
          </div>
        )}
        {facts.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <bdi>{value}</bdi>
              </dd>
            </div>
          ),
        )}
      </dl>
      <Raw value={order} />
    </section>
  )
}

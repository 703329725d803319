import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readOrder, readRefunds, readShipping, type Entry, type Order } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import type { Answer, Client } from './client.ts'
import { toYuan } from './money.ts'
import { findChanged, PayoutForm } from './payout-form.tsx'
import { RefundForm } from './refund-form.tsx'
import { useSession } from './session.tsx'
import { ShipForm } from './ship-form.tsx'

const texts = {
  title: ['Actions', '操作'],
  off: ['To act, switch on “Allow actions” at the top.', '请先打开页面顶部的“允许操作”。'],
  ask: ['Ask WeChat', '向微信查询'],
  askMeans: [
    'Asks WeChat about the payment, its refunds and its settlement, and stores the answers.',
    '向微信查询支付、退款和结算状态，并保存结果。',
  ],
  asked: ['WeChat was asked.', '已向微信查询。'],
  close: ['Close the order', '关闭订单'],
  closeMeans: [
    'The payer can no longer pay it. An order that turns out to be paid stays paid.',
    '关闭后付款人不能再支付。如果订单其实已支付，仍按已支付处理。',
  ],
  closed: ['The order is closed.', '订单已关闭。'],
  refund: ['Refund', '退款'],
  refunded: ['The refund is requested.', '已申请退款。'],
  payOut: ['Pay {amount} to another account', '把 {amount} 退到其他账户'],
  paidOut: [
    'WeChat pays the refund to that account. The timeline shows the outcome.',
    '微信正在退到该账户，结果见时间线。',
  ],
  ship: ['Ship', '发货'],
  shipped: ['The shipment is stored and reported to WeChat.', '发货信息已保存并上报微信。'],
} as const

interface Props {
  readonly order: Order
  readonly timeline: readonly Entry[]
  readonly reload: () => void
}

/** The actions on an order, if actions are switched on. */
export function OrderActions({ order, timeline, reload }: Props) {
  const say = useTexts(texts)
  const { client, mayAct } = useSession()
  const [done, setDone] = useState<string | null>(null)
  const finish = (text: string) => () => {
    setDone(text)
    reload()
  }
  const { outTradeNo, tradeState } = order
  const isPaid = tradeState === 'SUCCESS' || tradeState === 'REFUND'
  const left = order.totalFee - (order.refundedFee ?? 0)
  return (
    <section class="card" aria-labelledby="actions">
      <h2 id="actions">{say('title')}</h2>
      {done !== null && (
        <p class="box good" role="status">
          {done}
        </p>
      )}
      {!mayAct && <p class="quiet">{say('off')}</p>}
      {mayAct && (
        <>
          <ActionForm
            submit={say('ask')}
            onDone={finish(say('asked'))}
            run={() => askWechat(client, order, timeline)}
          >
            <p class="quiet">{say('askMeans')}</p>
          </ActionForm>
          {isPaid && left > 0 && (
            <details class="act">
              <summary>{say('refund')}</summary>
              <RefundForm
                key={left}
                outTradeNo={outTradeNo}
                left={left}
                onDone={finish(say('refunded'))}
              />
            </details>
          )}
          {findChanged(timeline).map((changed) => (
            <details key={changed.outRefundNo} class="act">
              <summary>{say('payOut', { amount: toYuan(changed.refundFee) })}</summary>
              <PayoutForm
                outTradeNo={outTradeNo}
                refund={changed}
                onDone={finish(say('paidOut'))}
              />
            </details>
          ))}
          {isPaid && (
            <details class="act">
              <summary>{say('ship')}</summary>
              <ShipForm
                outTradeNo={outTradeNo}
                body={order.body}
                reported={reportedOf(order, timeline)}
                onDone={finish(say('shipped'))}
              />
            </details>
          )}
          {tradeState === 'NOTPAY' && (
            <details class="act">
              <summary>{say('close')}</summary>
              <ActionForm
                tone="danger"
                submit={say('close')}
                onDone={finish(say('closed'))}
                run={() => client.send('POST', '/api/close', { outTradeNo }, readOrder)}
              >
                <p class="quiet">{say('closeMeans')}</p>
              </ActionForm>
            </details>
          )}
        </>
      )}
    </section>
  )
}

/** How much of the shipment is reported to WeChat. */
function reportedOf({ shippingState }: Order, timeline: readonly Entry[]) {
  if (shippingState !== 'UPLOADED') return 'nothing'
  const reported = timeline.findLast(({ kind }) => kind === 'shipment_reported')
  return reported?.facts['isAllDelivered'] === false ? 'open' : 'complete'
}

/** When these are read, the functions ask WeChat if its answer may have changed. */
async function askWechat(
  client: Client,
  { outTradeNo }: Order,
  timeline: readonly Entry[],
): Promise<Answer<unknown>> {
  const order = await client.get('/api/query', { outTradeNo }, readOrder)
  if (!order.ok || order.value.transactionId === undefined) return order
  const settlement = await client.get('/api/shipping', { outTradeNo }, readShipping)
  const hasRefunds = timeline.some(({ kind }) => kind === 'refund_requested')
  return settlement.ok && hasRefunds
    ? client.get('/api/refund', { outTradeNo }, readRefunds)
    : settlement
}

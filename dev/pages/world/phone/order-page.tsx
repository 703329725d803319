/** One order: its state, its refunds, and the payer's actions. */
import { useState } from 'preact/hooks'
import { inYuan } from '../../../../miniprogram/money.ts'
import type { Order, Pay, Refund, Result } from '../../../../miniprogram/pay.ts'
import { useTexts } from '../../base/language.tsx'
import { receiptOf, showTime } from './describe.ts'
import { Loaded, useLoaded } from './loaded.tsx'
import type { ScreenProps } from './screen.ts'
import { phoneTexts, receiptTexts, refundTexts, stateTexts } from './texts.ts'

interface OrderWithRefunds {
  readonly order: Order
  readonly refunds: readonly Refund[]
}

async function load(client: Pay, outTradeNo: string): Promise<Result<OrderWithRefunds>> {
  const [order, refunds] = await Promise.all([client.query(outTradeNo), client.refunds(outTradeNo)])
  if (!order.ok) return order
  return refunds.ok ? { ok: true, value: { order: order.value, refunds: refunds.value } } : refunds
}

export function OrderPage(props: ScreenProps & { readonly outTradeNo: string }) {
  const { client, outTradeNo, showOutcome, showProblem, setNotice, revision } = props
  const say = useTexts(phoneTexts)
  const sayState = useTexts(stateTexts)
  const sayReceipt = useTexts(receiptTexts)
  const sayRefund = useTexts(refundTexts)
  const [isBusy, setBusy] = useState(false)
  const loading = useLoaded(() => load(client, outTradeNo), [outTradeNo, revision])

  const act = async (action: () => Promise<void>) => {
    setBusy(true)
    await action()
    setBusy(false)
    loading.reload()
  }
  const pay = () => act(async () => showOutcome(await client.pay(outTradeNo)))
  const confirmReceipt = () =>
    act(async () => {
      const outcome = await client.confirmReceipt(outTradeNo)
      if ('problem' in outcome) showProblem(outcome.problem)
      else if (outcome.state === 'not_confirmed') setNotice(say('notConfirmed'))
    })

  return (
    <Loaded loading={loading}>
      {({ order, refunds }) => {
        const receipt = receiptOf(order)
        const rows = [
          [say('total'), inYuan(order.totalFee)],
          [say('placedAt'), showTime(order.createdAt)],
          ...(order.paidAt === undefined ? [] : [[say('paidAt'), showTime(order.paidAt)]]),
          [say('orderNumber'), order.outTradeNo],
        ]
        return (
          <div class="card order-page">
            <p class={`state state-${order.tradeState} large`}>
              {sayState(order.tradeState)}
              {receipt !== null && ` · ${sayReceipt(receipt)}`}
            </p>
            <h3>{order.body}</h3>
            <dl class="rows">
              {rows.map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
            {refunds.length > 0 && (
              <>
                <h3>{say('refunds')}</h3>
                <dl class="rows">
                  {refunds.map(({ outRefundNo, refundFee, refundStatus }) => (
                    <div key={outRefundNo}>
                      <dt>{inYuan(refundFee)}</dt>
                      <dd>{sayRefund(refundStatus)}</dd>
                    </div>
                  ))}
                </dl>
              </>
            )}
            {order.tradeState === 'NOTPAY' && (
              <button
                type="button"
                class="wechat-button"
                disabled={isBusy}
                onClick={() => void pay()}
              >
                {say(isBusy ? 'waiting' : 'pay')}
              </button>
            )}
            {receipt === 'shipped' && (
              <button
                type="button"
                class="wechat-button"
                disabled={isBusy}
                onClick={() => void confirmReceipt()}
              >
                {say(isBusy ? 'waiting' : 'confirmReceipt')}
              </button>
            )}
            <button type="button" class="quiet" onClick={loading.reload}>
              {say('reload')}
            </button>
          </div>
        )
      }}
    </Loaded>
  )
}

/** The orders of the payer, newest first. */
import { useState } from 'preact/hooks'
import { inYuan } from '../../../../miniprogram/money.ts'
import type { Order } from '../../../../miniprogram/pay.ts'
import { useTexts } from '../../base/language.tsx'
import { receiptOf, showTime } from './describe.ts'
import { Loaded, useLoaded } from './loaded.tsx'
import type { ScreenProps } from './screen.ts'
import { phoneTexts, receiptTexts, stateTexts } from './texts.ts'

export function OrderList({ client, open, showProblem, revision }: ScreenProps) {
  const say = useTexts(phoneTexts)
  const sayState = useTexts(stateTexts)
  const sayReceipt = useTexts(receiptTexts)
  const first = useLoaded(() => client.orders(), [revision])
  const [later, setLater] = useState<readonly Order[]>([])
  const [cursor, setCursor] = useState<string | null>(null)

  const showMore = async (from: string) => {
    const page = await client.orders(from)
    if (!page.ok) return showProblem(page.error)
    setLater((before) => [...before, ...page.value.orders])
    setCursor(page.value.nextCursor ?? '')
  }

  return (
    <Loaded loading={first}>
      {({ orders, nextCursor }) => {
        const next = cursor ?? nextCursor ?? ''
        if (orders.length === 0) return <p class="phone-empty">{say('noOrders')}</p>
        return (
          <>
            <ul class="cards">
              {[...orders, ...later].map((order) => {
                const receipt = receiptOf(order)
                return (
                  <li key={order.outTradeNo}>
                    <button
                      type="button"
                      class="card order"
                      onClick={() => open({ name: 'order', outTradeNo: order.outTradeNo })}
                    >
                      <span>{order.body}</span>
                      <span class="price">{inYuan(order.totalFee)}</span>
                      <span class="hint">{showTime(order.createdAt)}</span>
                      <span class={`state state-${order.tradeState}`}>
                        {sayState(order.tradeState)}
                        {receipt !== null && ` · ${sayReceipt(receipt)}`}
                      </span>
                    </button>
                  </li>
                )
              })}
            </ul>
            {next !== '' && (
              <button type="button" onClick={() => void showMore(next)}>
                {say('more')}
              </button>
            )}
          </>
        )
      }}
    </Loaded>
  )
}

import { expect } from 'vitest'
import { thisInstance } from '../../lib/composition.ts'
import { readOrder } from '../../lib/stores/rows.ts'
import { inProtocol } from './mode.ts'
import { toPayment, type Shop } from './shop.ts'

interface PaidOrder {
  readonly token: string
  readonly outTradeNo: string
}

/** An order that is closed here while WeChat still takes its payment, and is then paid. */
export async function paidAfterClosing(shop: Shop): Promise<PaidOrder> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  const close = async (): Promise<void> => {
    const { json } = await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
    expect(json['tradeState']).toBe('CLOSED')
  }
  const payment = await inProtocol({
    // WeChat closes no order of v2 in its first five minutes.
    v2: async () => {
      const prepaid = toPayment(await shop.prepay(token, outTradeNo))
      await close()
      return prepaid
    },
    // A concurrent prepay reaches WeChat after the close.
    v3: async () => {
      const [row] = await shop.sql(
        'select to_jsonb(o) as "order" from orders o where out_trade_no = $1',
        [outTradeNo],
      )
      const { order } = readOrder(row?.['order'])
      await close()
      const gateway = thisInstance().deps.gateway(order.account)
      const placed = await gateway.placeOrder(order, new Date())
      const prepayId = placed.ok && placed.value.outcome === 'placed' ? placed.value.prepayId : ''
      return gateway.signPayment(prepayId, new Date())
    },
  })()
  expect(shop.wechat.pay(payment).errMsg).toBe('requestPayment:ok')
  return { token, outTradeNo }
}

import { show } from './page.ts'
import { readJson, text, type Stage } from './stage.ts'

/**
 * Login, order, prepay, the payment, notify, query. Returns the number of the order, or null unless
 * the order is SUCCESS.
 */
export async function takeOnePayment({
  world,
  wechat,
  call,
  step,
  scene,
}: Stage): Promise<string | null> {
  const products = [
    { sku: 'latte', name: '拿铁', price: 2800 },
    { sku: 'cookie', name: '曲奇', price: 900 },
  ]
  await step('the merchant fills the catalogue', () =>
    call('PUT', '/api/products', world.env.MERCHANT_API_KEY, { products }),
  )
  const code = wechat.issueCode()
  const token = text(
    await step('login: the client has a code of wx.login', () =>
      call('POST', '/api/login', '', { code }),
    ),
    'token',
  )
  const items = [
    { sku: 'latte', quantity: 1 },
    { sku: 'cookie', quantity: 2 },
  ]
  const basket = { items, attach: 'store=1' }
  const outTradeNo = text(
    await step('order: the server prices it', () => call('POST', '/api/orders', token, basket)),
    'outTradeNo',
  )
  const prepay = () => call('POST', '/api/prepay', token, { outTradeNo })
  const payment = await step(
    'prepay: an order at WeChat, signed; then the second signature',
    prepay,
  )
  await step('prepay again: the same prepay_id, without a call to WeChat', prepay)
  await scene('the user pays: wx.requestPayment on the device', 'wx.requestPayment(…)', () => ({
    ...wechat.pay({
      appId: text(payment, 'appId'),
      timeStamp: text(payment, 'timeStamp'),
      nonceStr: text(payment, 'nonceStr'),
      package: text(payment, 'package'),
      signType: text(payment, 'signType'),
      paySign: text(payment, 'paySign'),
    }),
  }))
  const notifiedAt = performance.now()
  await scene(
    'notify: WeChat tells the server, which accepts no unsigned message',
    `WeChat calls ${world.url}/api/notify`,
    async () => ({
      notificationsSent: await wechat.tick(),
    }),
  )
  const told = performance.now() - notifiedAt
  const order = await step('query: the state that the client shows', () =>
    call('GET', `/api/query?outTradeNo=${outTradeNo}`, token),
  )
  const [event] = world.events
  if (event !== undefined) {
    const { 'webhook-id': id, 'webhook-signature': signature } = event.headers
    const request = `webhook-id: ${id}  webhook-signature: ${signature}`
    show('the merchant’s system received the event (time since WeChat’s notification)', {
      request,
      status: '',
      answer: readJson(event.body),
      ms: told,
    })
  }
  return order['tradeState'] === 'SUCCESS' ? outTradeNo : null
}

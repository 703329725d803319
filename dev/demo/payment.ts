import { findWebhookSignature } from '../world/webhook-signature.ts'
import { TOTAL_FEE, yuan } from './amounts.ts'
import { deliverNotifications, isAcknowledged } from './notifications.ts'
import { expectThat, readJson, text, type Answer, type Stage } from './stage.ts'

/** Login, order, prepay, the payment, notify, query. Returns the number of the paid order. */
export async function takeOnePayment(stage: Stage): Promise<string> {
  const { world, wechat, call, step } = stage
  const products = [
    { sku: 'latte', name: '拿铁', price: 2800 },
    { sku: 'cookie', name: '曲奇', price: 900 },
  ]
  await step(
    'the merchant fills the catalogue',
    () => call('PUT', '/api/products', world.env.MERCHANT_API_KEY, { products }),
    ({ products: stored }) =>
      expectThat(Array.isArray(stored) && stored.length === 2, 'two products are on sale'),
  )
  const code = wechat.issueCode()
  const login = await step(
    'login with a code from wx.login',
    () => call('POST', '/api/login', '', { code }),
    ({ expiresIn }) =>
      expectThat(expiresIn === 86_400, 'WeChat knows the payer, and the token is valid for a day'),
  )
  const token = text(login, 'token')
  const items = [
    { sku: 'latte', quantity: 1 },
    { sku: 'cookie', quantity: 2 },
  ]
  const order = await step(
    'order of a latte and two cookies',
    () => call('POST', '/api/orders', token, { items, attach: 'store=1' }),
    ({ totalFee }) =>
      expectThat(totalFee === TOTAL_FEE, `the server prices it at ${yuan(TOTAL_FEE)}`),
  )
  const outTradeNo = text(order, 'outTradeNo')
  await pay(stage, token, outTradeNo)
  await step(
    'query',
    () => call('GET', `/api/query?outTradeNo=${outTradeNo}`, token),
    ({ tradeState, totalFee }) =>
      expectThat(tradeState === 'SUCCESS' && totalFee === TOTAL_FEE, `SUCCESS, ${yuan(TOTAL_FEE)}`),
  )
  return outTradeNo
}

async function pay(stage: Stage, token: string, outTradeNo: string): Promise<void> {
  const { world, wechat, call, step, scene } = stage
  const prepay = () => call('POST', '/api/prepay', token, { outTradeNo })
  const payment = await step('prepay', prepay, () =>
    expectThat(
      wechat.orders().some((known) => known.outTradeNo === outTradeNo),
      'WeChat accepts the signature and has the order',
    ),
  )
  const calls = wechat.messageLog.length
  await step('prepay again', prepay, (again) =>
    expectThat(
      again['package'] === payment['package'] && wechat.messageLog.length === calls,
      'the same prepay_id, without a call to WeChat',
    ),
  )
  await scene(
    'the payer pays in wx.requestPayment',
    'wx.requestPayment(…)',
    () => ({ ...wechat.pay(toArguments(payment)) }),
    ({ errMsg }) =>
      expectThat(errMsg === 'requestPayment:ok', 'WeChat accepts the second signature'),
  )
  await scene(
    'notify, called by WeChat',
    `WeChat calls ${world.url}/api/notify`,
    () => deliverNotifications(wechat, outTradeNo),
    () =>
      expectThat(
        isAcknowledged(wechat, outTradeNo),
        'the notification is signed, and is acknowledged',
      ),
  )
  await showEvent(stage, outTradeNo)
}

const toArguments = (payment: Answer) => ({
  appId: text(payment, 'appId'),
  timeStamp: text(payment, 'timeStamp'),
  nonceStr: text(payment, 'nonceStr'),
  package: text(payment, 'package'),
  signType: text(payment, 'signType'),
  paySign: text(payment, 'paySign'),
})

/** QStash delivers elsewhere. */
async function showEvent({ world, scene }: Stage, outTradeNo: string): Promise<void> {
  const events = world.events.filter(({ body }) => body.includes(outTradeNo))
  const [event] = events
  if (event === undefined) return
  const { headers, body } = event
  const signed = findWebhookSignature(headers, body, world.env['ORDER_WEBHOOK_SECRET'] ?? '')
  await scene(
    'the event for the merchant',
    `webhook-id: ${headers['webhook-id']}  webhook-signature: ${headers['webhook-signature']}`,
    () => readJson(body),
    ({ type }) =>
      expectThat(
        type === 'order.paid' && signed?.holds === true && events.length === 1,
        'one order.paid with a valid signature',
      ),
  )
}

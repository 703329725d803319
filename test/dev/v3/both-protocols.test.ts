/** Both protocols work on the same orders, and a notification follows what created its subject. */
import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Decorator } from 'wechatpay-axios-plugin'
import { demoValues } from '../../../dev/world/demo-values.ts'
import { APPID, MCHID, openNotification, openPeer, order, paymentWith, type Peer } from './peer.ts'

type Fields = Readonly<Record<string, string>>

const NUMBER = 'T20250102000001'

let peer: Peer
beforeEach(async () => {
  peer = await openPeer('public-key')
})
afterEach(() => peer.stop())

async function callV2(path: string, fields: Fields): Promise<Fields> {
  const client = Decorator.xmlBased({
    mchid: MCHID,
    secret: demoValues.WECHAT_PAY_KEY,
  })
  const { data } = await client.post<Fields>(`${peer.url}${path}`, {
    appid: APPID,
    mch_id: MCHID,
    nonce_str: 'abc',
    ...fields,
  })
  return data
}

const v2Order = () => ({
  body: '示例商城-咖啡',
  out_trade_no: NUMBER,
  total_fee: '101',
  spbill_create_ip: '203.0.113.7',
  notify_url: peer.notifyUrl,
  trade_type: 'JSAPI',
  openid: 'oDemo000000000000000000User1',
  sign_type: 'HMAC-SHA256',
})
const placeOverV2 = async () => (await callV2('/pay/unifiedorder', v2Order()))['prepay_id'] ?? ''
const placeOverV3 = async () => {
  const { data } = await peer
    .client()
    .post<{ prepay_id: string }>('/v3/pay/transactions/jsapi', order(peer))
  return data.prepay_id
}
function paymentOverV2(prepayId: string) {
  const { paySign: _, ...fields } = paymentWith(prepayId, { signType: 'HMAC-SHA256' })
  const text = Object.entries({ appId: APPID, ...fields })
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const { WECHAT_PAY_KEY: key } = demoValues
  const paySign = createHmac('sha256', key).update(`${text}&key=${key}`).digest('hex')
  return { ...fields, paySign: paySign.toUpperCase() }
}

/** The kinds of the notifications that the shop received. */
const kindsOf = () =>
  peer.received.map((message) =>
    message.body.startsWith('<xml>') ? 'v2' : openNotification(message).event_type,
  )

test('an order of APIv3 is queried and refunded over v2', async () => {
  expect(peer.simulator.pay(paymentWith(await placeOverV3())).errMsg).toBe('requestPayment:ok')
  expect(await callV2('/pay/orderquery', { out_trade_no: NUMBER })).toMatchObject({
    trade_state: 'SUCCESS',
    total_fee: '101',
  })
  const refund = { out_trade_no: NUMBER, out_refund_no: 'R1', total_fee: '101', refund_fee: '50' }
  expect(await callV2('/secapi/pay/refund', refund)).toMatchObject({ result_code: 'SUCCESS' })
  peer.advance(3000)
  await peer.simulator.tick()
  expect(kindsOf()).toEqual(['TRANSACTION.SUCCESS', 'v2'])
})

test('an order of v2 is queried and refunded over APIv3', async () => {
  const paid = peer.simulator.pay(paymentOverV2(await placeOverV2()))
  expect(paid.errMsg).toBe('requestPayment:ok')
  const client = peer.client()
  const { data } = await client.get(`/v3/pay/transactions/out-trade-no/${NUMBER}`, {
    params: { mchid: MCHID },
  })
  expect(data).toMatchObject({ trade_state: 'SUCCESS', amount: { total: 101 } })
  await client.post('/v3/refund/domestic/refunds', {
    out_trade_no: NUMBER,
    out_refund_no: 'R1',
    amount: { refund: 50, total: 101, currency: 'CNY' },
  })
  peer.advance(3000)
  await peer.simulator.tick()
  expect(kindsOf()).toEqual(['v2', 'REFUND.SUCCESS'])
})

test('a refund in the merchant console is notified as its order', async () => {
  peer.simulator.pay(paymentWith(await placeOverV3()))
  peer.simulator.refundInConsole(NUMBER, 50)
  peer.advance(3000)
  await peer.simulator.tick()
  expect(kindsOf()).toEqual(['TRANSACTION.SUCCESS', 'REFUND.SUCCESS'])
})

test('the same number is not placed over the other protocol', async () => {
  await placeOverV3()
  await expect(callV2('/pay/unifiedorder', v2Order())).rejects.toMatchObject({
    response: { data: { err_code: 'INVALID_REQUEST' } },
  })
  expect(peer.simulator.orders()).toHaveLength(1)
})

test('the cashier takes the signature of the protocol that placed the order', async () => {
  const bad = 'requestPayment:fail 支付验证签名失败'
  expect(peer.simulator.pay(paymentOverV2(await placeOverV3())).errMsg).toBe(bad)
  await peer.stop()
  peer = await openPeer('public-key')
  expect(peer.simulator.pay(paymentWith(await placeOverV2())).errMsg).toBe(bad)
})

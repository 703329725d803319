/** The payer confirms the receipt in WeChat's component. Its report proves nothing. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Pay, Platform } from '../../miniprogram/pay.ts'
import type { Shop } from '../support/shop.ts'
import { createPhone, openShopWithoutNotifications, type Phone } from './phone.ts'

let shop: Shop
let phone: Phone
let client: Pay
beforeAll(async () => {
  shop = await openShopWithoutNotifications()
})
beforeEach(() => {
  shop.wechat.clearFaults()
  phone = createPhone(shop)
  client = phone.start()
})
afterAll(() => shop.close())

async function bought(): Promise<string> {
  const outcome = await client.buy([{ sku: 'latte', quantity: 1 }])
  if (outcome.state !== 'paid') throw new Error(outcome.state)
  return outcome.order.outTradeNo
}
async function shipped(): Promise<string> {
  const outTradeNo = await bought()
  const items = [{ itemDesc: '咖啡豆', trackingNo: '7700', expressCompany: 'ZTO' }]
  const body = { outTradeNo, logisticsType: 'express', items }
  await shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
  return outTradeNo
}

test('the payer sees the parcels of an order', async () => {
  expect(await client.shipping(await shipped())).toMatchObject({
    ok: true,
    value: {
      orderState: 'SHIPPED',
      shipment: { isAllDelivered: true, items: [{ trackingNo: '7700' }] },
    },
  })
})

test('a receipt is confirmed once the server has asked WeChat', async () => {
  const outTradeNo = await shipped()
  expect(await client.confirmReceipt(outTradeNo)).toMatchObject({
    state: 'confirmed',
    shipping: { outTradeNo, orderState: 'RECEIVED', confirmedAt: expect.any(String) },
  })
  expect(phone.requests.slice(-2)).toEqual(['GET /shipping', 'GET /shipping'])
})

test('a success that the component reports without a confirmation does not count', async () => {
  phone.receipt = () => ({ status: 'success' })
  expect(await client.confirmReceipt(await shipped())).toMatchObject({
    state: 'not_confirmed',
    shipping: { orderState: 'SHIPPED' },
  })
})

test('a confirmation that the component does not report is found', async () => {
  phone.receipt = (act) => {
    act()
    return { status: 'cancel' }
  }
  expect(await client.confirmReceipt(await shipped())).toMatchObject({ state: 'confirmed' })
})

test('a payer who closes the component has not confirmed, after one question', async () => {
  phone.receipt = () => ({ status: 'cancel' })
  expect(await client.confirmReceipt(await shipped())).toMatchObject({ state: 'not_confirmed' })
  expect(phone.waits).toEqual([])
})

test('a confirmed receipt opens no component', async () => {
  const outTradeNo = await shipped()
  await client.confirmReceipt(outTradeNo)
  expect(await client.confirmReceipt(outTradeNo)).toMatchObject({ state: 'confirmed' })
  expect(phone.receipts).toHaveLength(1)
})

test('two taps open one component', async () => {
  const outTradeNo = await shipped()
  await Promise.all([client.confirmReceipt(outTradeNo), client.confirmReceipt(outTradeNo)])
  expect(phone.receipts).toHaveLength(1)
})

test('an order that is not shipped opens no component', async () => {
  expect(await client.confirmReceipt(await bought())).toMatchObject({
    state: 'failed',
    problem: { code: 'not_shipped', detail: 'TO_SHIP' },
  })
  expect(phone.receipts).toEqual([])
})

const without = (name: 'openBusinessView' | 'onAppShow') => (wx: Platform) => {
  const rest = { ...wx }
  delete rest[name]
  return rest
}

test('a component that does not open is a problem, and so is a missing one', async () => {
  const outTradeNo = await shipped()
  phone.receipt = () => 'does not open'
  expect(await client.confirmReceipt(outTradeNo)).toMatchObject({
    state: 'failed',
    problem: { code: 'component_failed', detail: 'openBusinessView:fail' },
  })
  expect(await phone.start(without('openBusinessView')).confirmReceipt(outTradeNo)).toMatchObject({
    state: 'failed',
    problem: { code: 'component_failed' },
  })
})

test('without a report of the return, the server is asked when the component has opened', async () => {
  const outTradeNo = await shipped()
  expect(await phone.start(without('onAppShow')).confirmReceipt(outTradeNo)).toMatchObject({
    state: 'confirmed',
  })
})

test('if the server does not answer afterwards, the outcome is unknown', async () => {
  const outTradeNo = await shipped()
  phone.receipt = (act) => {
    act()
    phone.fate = () => 'offline'
    return { status: 'success' }
  }
  expect(await client.confirmReceipt(outTradeNo)).toMatchObject({
    state: 'unknown',
    problem: { code: 'network' },
  })
})

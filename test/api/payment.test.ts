import { afterAll, beforeAll, expect, test } from 'vitest'
import { Webhook } from 'standardwebhooks'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

test('a payment goes from login to SUCCESS, and the merchant receives one event', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  expect(await shop.query(token, outTradeNo)).toMatchObject({
    tradeState: 'NOTPAY',
    totalFee: 2800,
    body: '拿铁',
  })
  await shop.pay(token, outTradeNo)
  expect(await shop.deliverNotifications()).toBe(1)
  const order = await shop.query(token, outTradeNo)
  expect(order).toMatchObject({ outTradeNo, tradeState: 'SUCCESS', totalFee: 2800 })
  expect(order['transactionId']).toMatch(/^\d{28}$/)
  expect(order['paidAt']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/)

  const events = shop.world.events.filter((event) => event.body.includes(outTradeNo))
  expect(events).toHaveLength(1)
  const [event] = events
  const body = new Webhook(shop.world.env['ORDER_WEBHOOK_SECRET'] ?? '').verify(event?.body ?? '', {
    ...event?.headers,
  })
  expect(body).toMatchObject({ type: 'order.paid', data: order })
})

test('an acknowledged notification is not repeated', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  shop.advance(86_400_000)
  expect(await shop.deliverNotifications()).toBe(0)
})

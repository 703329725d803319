/**
 * A shop without a webhook URL. It needs a world of its own because an instance reads its
 * environment only once.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createInstance } from '../../lib/composition.ts'
import { deliver } from '../../lib/steps/deliver.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { openReceiver, type Receiver } from '../webhook/receiver.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let merchant: Receiver
beforeAll(async () => {
  merchant = await openReceiver()
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
  vi.stubEnv('ORDER_WEBHOOK_URL', undefined)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await shop.close()
  await merchant.close()
})

test('events are stored while no webhook URL is set, and delivered once there is one', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  shop.advance(3_600_000)
  expect(await shop.cron()).toMatchObject({ delivered: 0 })
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
    order: { trade_state: 'SUCCESS' },
    events: ['order.paid'],
  })
  expect(merchant.deliveries).toEqual([])

  const nextInstance = createInstance({ ...process.env, ORDER_WEBHOOK_URL: merchant.url }).deps
  expect(await deliver(nextInstance)).toEqual({ taken: 1, delivered: 1 })
  expect(merchant.deliveries).toMatchObject([
    { type: 'order.paid', outTradeNo, isSignatureValid: true },
  ])
})

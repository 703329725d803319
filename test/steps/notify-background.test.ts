import { afterAll, beforeAll, expect, test } from 'vitest'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { sentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
afterAll(() => shop.close())

test('after a FAIL in time the rest of the work goes to the platform’s waitUntil', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  const notification = sentMessage(shop, outTradeNo)
  shop.world.faults.database.slow(1_900)
  expect((await shop.notify(notification)).code).toBe('FAIL')
  await shop.world.settled()
  shop.world.faults.database.up()
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject({ order: { trade_state: 'SUCCESS' } })
})

import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { moveBetweenProtocols } from '../support/move-between-protocols.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop({ WECHAT_PAY_API: 'v3' })
})
afterAll(async () => {
  await shop.close()
  vi.unstubAllEnvs()
})

test('an open shop moves to APIv3 with WeChat Pay’s public key and back, and every order is finished once', async () => {
  await expect(moveBetweenProtocols(shop)).resolves.toBeUndefined()
  expect(shop.countCalls('/v3/certificates')).toBe(0)
})

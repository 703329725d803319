import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { demoV3Values } from '../../dev/world/demo-values.ts'
import { moveBetweenProtocols } from '../support/move-between-protocols.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop({
    WECHAT_PAY_API: 'v3',
    WECHAT_PAY_V3_KEY: demoV3Values.WECHAT_PAY_V3_KEY,
  })
})
afterAll(async () => {
  await shop.close()
  vi.unstubAllEnvs()
})

test('an open shop moves to APIv3 with platform certificates and back, and every order is finished once', async () => {
  let old = ''
  const certificate = {
    begin: () => {
      const [first] = shop.wechat.changeKeys({ rotate: 'certificate' }).certificates
      old = first?.serial ?? ''
    },
    end: () => void shop.wechat.changeKeys({ retire: old }),
  }
  await expect(moveBetweenProtocols(shop, certificate)).resolves.toBeUndefined()
  expect(shop.countCalls('/v3/certificates')).toBe(2)
}, 60_000)

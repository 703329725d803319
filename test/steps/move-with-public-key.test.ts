import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { moveBetweenProtocols } from '../support/move-between-protocols.ts'
import { openShop, type Shop } from '../support/shop.ts'

type PublicKey = ReturnType<Shop['wechat']['keys']>['publicKeys'][number]

let shop: Shop
beforeAll(async () => {
  shop = await openShop({ WECHAT_PAY_API: 'v3' })
})
afterAll(async () => {
  await shop.close()
  vi.unstubAllEnvs()
})

/** Gives new instances of the functions these public keys. The first one is named in requests. */
function deployWith(first: PublicKey | undefined, other?: PublicKey): void {
  vi.stubEnv('WECHAT_PAY_PUBLIC_KEY', first?.pem)
  vi.stubEnv('WECHAT_PAY_PUBLIC_KEY_ID', first?.id)
  vi.stubEnv('WECHAT_PAY_PUBLIC_KEY_OTHER', other?.pem)
  vi.stubEnv('WECHAT_PAY_PUBLIC_KEY_ID_OTHER', other?.id)
  vi.resetModules()
}

test('an open shop moves to APIv3 with WeChat Pay’s public key and back, and every order is finished once', async () => {
  let [old, added]: (PublicKey | undefined)[] = []
  const publicKey = {
    begin: () => {
      ;[old, added] = shop.wechat.changeKeys({ rotate: 'public-key' }).publicKeys
      deployWith(old, added)
    },
    end: () => {
      deployWith(added)
      shop.wechat.changeKeys({ retire: old?.id ?? '' })
    },
  }
  await expect(moveBetweenProtocols(shop, publicKey)).resolves.toBeUndefined()
  expect(shop.countCalls('/v3/certificates')).toBe(0)
}, 60_000)

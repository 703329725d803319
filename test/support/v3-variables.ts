import { readFileSync } from 'node:fs'
import type { KeyObject } from 'node:crypto'
import { wechatPair } from './v3-keys.ts'

const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const toPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

export const SHOP_KEY_ID = 'PUB_KEY_ID_0116000000012026010200000000000001'

/** The variables of a shop that places its orders with APIv3, in public key mode. */
export const v3Variables = () => ({
  WECHAT_PAY_API: 'v3',
  WECHAT_MCH_ID: '1600000001',
  WECHAT_PAY_V3_KEY: 'ApiV3KeyOfTheShop000000000000001',
  WECHAT_PAY_CERT: pem('rsa-merchant'),
  WECHAT_PAY_CERT_KEY: pem('rsa-merchant.key'),
  WECHAT_PAY_PUBLIC_KEY: toPem(wechatPair.publicKey),
  WECHAT_PAY_PUBLIC_KEY_ID: SHOP_KEY_ID,
})

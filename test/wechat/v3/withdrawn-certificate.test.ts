/** WeChat withdraws the platform certificate that the functions and their Redis know. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { demoV3Values } from '../../../dev/world/demo-values.ts'
import { createInstance } from '../../../lib/composition.ts'
import { requestRefund } from '../../support/refunds.ts'
import { openShop, type Shop } from '../../support/shop.ts'

let shop: Shop
let token = ''
beforeAll(async () => {
  shop = await openShop({
    WECHAT_PAY_API: 'v3',
    WECHAT_PAY_V3_KEY: demoV3Values.WECHAT_PAY_V3_KEY,
  })
  token = await shop.logIn()
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

const downloads = () => shop.countCalls('/v3/certificates')
const newest = () => shop.wechat.keys().certificates.at(-1)?.serial ?? ''
/** WeChat adds a certificate and withdraws the one before. */
function replaceCertificate(validForDays: number): void {
  const withdrawn = newest()
  shop.wechat.changeKeys({ rotate: 'certificate', validForDays })
  shop.wechat.changeKeys({ retire: withdrawn })
}
async function prepay(): Promise<number> {
  const body = { outTradeNo: await shop.placeOrder(token) }
  return (await shop.call('POST', '/api/prepay', { token, body })).status
}

test('a call that names it is repeated with its successor, which is downloaded once for all instances', async () => {
  const { outTradeNo } = await shop.sell()
  const { deps } = createInstance(process.env)
  const probe = () => deps.gateway({ ...deps.account, protocol: 'v3' }).probe('order')
  expect(await probe()).toMatchObject({ ok: true })
  expect(downloads()).toBe(1)

  replaceCertificate(100)
  shop.advance(60_000)
  expect(await prepay()).toBe(200)
  expect(await probe()).toMatchObject({ ok: true })
  expect(downloads()).toBe(2)

  replaceCertificate(50)
  shop.advance(60_000)
  expect(await requestRefund(shop, outTradeNo, 'R-1', 1000)).toEqual([202, 'PROCESSING'])
  expect(await probe()).toMatchObject({ ok: true })
  expect(downloads()).toBe(3)
})

test('it is replaced, too, if WeChat signs the refusal with another certificate that is known', async () => {
  const first = newest()
  shop.wechat.changeKeys({ rotate: 'certificate', validForDays: 100 })
  const last = newest()
  shop.wechat.changeKeys({ rotate: 'certificate', validForDays: 20 })
  shop.wechat.changeKeys({ retire: first })
  shop.advance(60_000)
  expect(await prepay()).toBe(200)
  const before = downloads()
  shop.wechat.changeKeys({ retire: last })
  shop.advance(60_000)
  expect(await prepay()).toBe(200)
  expect(downloads()).toBe(before + 1)
})

test('refusals without a successor cause at most one download a minute, and no call is repeated', async () => {
  shop.wechat.misbehave({
    on: 'unifiedorder',
    do: 'err-code',
    errCode: 'PARAM_ERROR',
    errCodeDes: '平台证书序列号Wechatpay-Serial错误',
  })
  shop.advance(60_000)
  const before = downloads()
  const calls = shop.countCalls('/v3/pay/transactions/jsapi')
  for (let call = 0; call < 3; call += 1) {
    expect(await prepay()).toBe(502)
    shop.advance(19_000)
  }
  expect(downloads()).toBe(before + 1)
  expect(shop.countCalls('/v3/pay/transactions/jsapi')).toBe(calls + 3)
})

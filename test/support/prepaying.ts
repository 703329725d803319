/** The set-up of the tests of a failing prepay: one shop a file, and a new order for each test. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { openShop, type Answer, type Shop } from './shop.ts'

export let shop: Shop
export let token: string
export let outTradeNo: string

export function openPrepayingShop(): void {
  beforeAll(async () => {
    shop = await openShop()
    await shop.wechat.stop()
  })
  beforeEach(async () => {
    token = await shop.logIn()
    outTradeNo = await shop.placeOrder(token)
  })
  afterEach(async () => {
    shop.wechat.clearFaults()
    await shop.world.settled()
  })
  afterAll(() => shop.close())
}

/** One prepay request, and the background work after its answer. */
export const requestPrepay = async (): Promise<Answer> => {
  const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  await shop.world.settled()
  return answer
}
export const outcome = ({ status, json }: Answer) => [status, json['code']]
export const prepays = () => shop.calls('prepay', outTradeNo).length
export const refuse = (errCode: string, times?: number) =>
  shop.wechat.misbehave({
    on: 'unifiedorder',
    do: 'err-code',
    errCode,
    ...(times === undefined ? {} : { times }),
  })

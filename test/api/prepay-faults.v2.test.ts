/** The same call is sent once more after a system error of v2, as WeChat's pages ask for. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openShop, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
let outTradeNo: string
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

/** One prepay request, and the background work after its answer. */
const requestPrepay = async (): Promise<Answer> => {
  const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  await shop.world.settled()
  return answer
}
const outcome = ({ status, json }: Answer) => [status, json['code']]
const prepays = () => shop.calls('prepay', outTradeNo).length
const refuse = (errCode: string, times?: number) =>
  shop.wechat.misbehave({
    on: 'unifiedorder',
    do: 'err-code',
    errCode,
    ...(times === undefined ? {} : { times }),
  })

test('one system error at WeChat is retried, and the payer does not see it', async () => {
  refuse('SYSTEMERROR', 1)
  const answer = await requestPrepay()
  expect([answer.status, prepays()]).toEqual([200, 2])
})

test('a repeated system error at WeChat is answered with 503 after two tries', async () => {
  refuse('SYSTEMERROR')
  const answer = await requestPrepay()
  expect([...outcome(answer), answer.headers.get('retry-after'), prepays()]).toEqual([
    503,
    'wechat_unknown',
    '2',
    2,
  ])
})

test('a paid order is recognised even if WeChat first answers with a system error', async () => {
  await shop.pay(token, outTradeNo)
  await shop.world.settled()
  shop.advance(115 * 60_000)
  refuse('SYSTEMERROR', 1)
  expect(outcome(await requestPrepay())).toEqual([409, 'order_paid'])
})

/** The same call is sent once more after a system error of v2, as WeChat's pages ask for. */
import { expect, test } from 'vitest'
import {
  openPrepayingShop,
  outcome,
  outTradeNo,
  prepays,
  refuse,
  requestPrepay,
  shop,
  token,
} from '../support/prepaying.ts'

openPrepayingShop()

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

import { expect, test } from 'vitest'
import { cleanRefusalText } from '../../lib/wechat/refusal-text.ts'

test('WeChat’s text becomes one line without an openid', () => {
  const text =
    '该笔支付单不属于 openid oDemo000000000000000000User1 所指定的用户\n, rid: 5f2e9c3a-4b1d-7a2f'
  expect(cleanRefusalText(text)).toBe(
    '该笔支付单不属于 openid o… 所指定的用户, rid: 5f2e9c3a-4b1d-7a2f',
  )
})

test.each([
  ['unchanged', 'bad token 99_secret+token/of/ours'],
  [
    'percent-encoded',
    '/wxa/sec/order/upload_shipping_info?access_token=99_secret%2Btoken%2Fof%2Fours',
  ],
  ['beyond the length that is shown', `${'x'.repeat(500)} 99_secret+token/of/ours`],
])('a text that contains a secret of the request, %s, is dropped', (_, text) => {
  expect(cleanRefusalText(text, ['99_secret+token/of/ours'])).toBe('')
})

import { expect, test } from 'vitest'
import { tokenFailure, UNKNOWN_CODE } from '../../lib/wechat/token-codes.ts'

test.each([-1, 44990, 45009, 45011])('%i: WeChat asks us to slow down', (code) => {
  expect(tokenFailure(code, 'reach max')).toEqual({ reason: 'wechat_busy' })
})

test.each([
  [40013, 'WECHAT_APPID'],
  [40001, 'WECHAT_APP_SECRET'],
  [40125, 'WECHAT_APP_SECRET'],
  [40243, 'AppSecret is frozen'],
  [40164, 'IP allow-list'],
  [48001, 'permissions'],
  [41002, 'a field is missing'],
])('%i is a misconfiguration, and the text names it: %s', (code, named) => {
  const failure = tokenFailure(code, 'rid: 1')
  expect(failure).toEqual({
    reason: 'wechat_misconfigured',
    code: String(code),
    remedy: expect.stringContaining(named),
    text: 'rid: 1',
  })
})

test.each([40003, 50002, 61024, 99999, -2])(
  'the unknown code %i gives no token, and blames no variable',
  (code) => {
    expect(tokenFailure(code, 'something new')).toEqual({
      ...UNKNOWN_CODE,
      code: String(code),
      text: 'something new',
    })
    expect(UNKNOWN_CODE).toEqual({ reason: 'wechat_refused' })
  },
)

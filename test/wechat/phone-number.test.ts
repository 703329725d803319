/** The exchange of a phone code, with answers that WeChat should not give. */
import https from 'node:https'
import { afterEach, expect, test } from 'vitest'
import { parseOpenid } from '../../lib/core/ids.ts'
import { findPhoneNumber } from '../../lib/wechat/phone-number.ts'
import { must } from '../support/must.ts'
import { replaceRequest } from '../support/request-by-fetch.ts'

const settings = {
  appid: 'wx00000000demo0001',
  secret: 'DemoAppSecret0000000000000000001',
  host: 'https://api.example',
}
const openid = must(parseOpenid('oDemo000000000000000000User1'))
const phone = {
  phoneNumber: '13800000001',
  purePhoneNumber: '13800000001',
  watermark: { timestamp: 1_637_744_274, appid: settings.appid },
}

let restoreRequest: () => void = () => undefined
afterEach(() => restoreRequest())

function answerWith(answer: unknown) {
  restoreRequest = replaceRequest(https, () =>
    Promise.resolve(new Response(JSON.stringify(answer))),
  )
  return findPhoneNumber(settings, 'token', 'code', openid)
}

test.each([86, '86'])('a country code of %j is accepted', async (countryCode) => {
  expect(await answerWith({ errcode: 0, phone_info: { ...phone, countryCode } })).toEqual({
    ok: true,
    value: { outcome: 'known', phoneNumber: '13800000001' },
  })
})

test.each([
  ['of another app', { ...phone, watermark: { ...phone.watermark, appid: 'wx00000000other001' } }],
  ['that is no number', { ...phone, phoneNumber: 'unknown' }],
  ['that is empty', { ...phone, phoneNumber: '' }],
  ['that is missing', undefined],
])('a number %s is refused', async (_, phoneInfo) => {
  expect(await answerWith({ errcode: 0, phone_info: phoneInfo })).toEqual({
    ok: false,
    error: { reason: 'wechat_untrusted', check: 'content' },
  })
})

test('WeChat’s text about a code that is not known here names neither the token nor the code', async () => {
  expect(await answerWith({ errcode: 99_999, errmsg: 'no token code' })).toMatchObject({
    error: { reason: 'wechat_refused', code: '99999', text: expect.not.stringContaining('token') },
  })
})

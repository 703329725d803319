/**
 * The phone number of a user who agreed by the button `open-type="getPhoneNumber"`.
 *
 * Source: developers.weixin.qq.com, the page of `getuserphonenumber`
 */
import * as v from 'valibot'
import type { Failure } from '../core/failure.ts'
import type { Openid } from '../core/ids.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { PhoneAnswer } from '../ports.ts'
import { unknownCode, type MiniProgramSettings } from './login.ts'
import { outcome, postJson } from './post-json.ts'
import { cleanRefusalText } from './refusal-text.ts'
import { TOKEN_REFUSED } from './token-codes.ts'

/** `countryCode` is not read: WeChat's pages disagree on its type, and it is not needed here. */
const answerSchema = v.object({
  ...outcome,
  phone_info: v.optional(
    v.object({ phoneNumber: v.string(), watermark: v.object({ appid: v.string() }) }),
  ),
})

const PHONE_NUMBER = /^\+?\d[\d-]{4,23}$/

const failures: ReadonlyMap<number, Failure> = new Map<number, Failure>([
  [-1, { reason: 'wechat_busy' }],
  [40029, { reason: 'phone_code_invalid' }],
  [44990, { reason: 'wechat_busy' }],
  [45009, { reason: 'wechat_busy' }],
  [45011, { reason: 'too_many_requests', retryAfterSeconds: 60 }],
  [
    40013,
    { reason: 'wechat_misconfigured', code: '40013', remedy: 'WeChat does not know WECHAT_APPID' },
  ],
  [
    48001,
    {
      reason: 'wechat_misconfigured',
      code: '48001',
      remedy:
        'the Mini Program may not ask for phone numbers: WeChat allows it only to verified accounts that do not belong to an individual',
    },
  ],
])

export async function findPhoneNumber(
  { appid, host }: MiniProgramSettings,
  token: string,
  phoneCode: string,
  openid: Openid,
): Promise<Result<PhoneAnswer, Failure>> {
  const answer = await postJson(
    {
      host,
      path: '/wxa/business/getuserphonenumber',
      query: `?access_token=${encodeURIComponent(token)}`,
      // WeChat says that a used code never existed, so a repeat would hide the first outcome.
      isRepeatable: false,
    },
    // With the openid, WeChat refuses the code of another user.
    { code: phoneCode, openid },
    answerSchema,
  )
  if (!answer.ok) return answer
  const { errcode, errmsg, phone_info: info } = answer.value
  if (errcode !== 0) {
    const text = cleanRefusalText(errmsg, [token, phoneCode])
    if (TOKEN_REFUSED.includes(errcode))
      return ok({ outcome: 'token_refused', code: String(errcode), text })
    const known = failures.get(errcode) ?? unknownCode(errcode, text)
    return err(known.reason === 'wechat_misconfigured' ? { ...known, text } : known)
  }
  if (info === undefined || info.watermark.appid !== appid || !PHONE_NUMBER.test(info.phoneNumber))
    return err({ reason: 'wechat_untrusted', check: 'content' })
  return ok({ outcome: 'known', phoneNumber: info.phoneNumber })
}

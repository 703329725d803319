/** The phone number button of the Mini Program, and `getuserphonenumber` of the server. */
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { err, ok } from './result.ts'
import { apiError } from './json-answer.ts'
import type { JsonOperation } from './json-call.ts'
import type { Simulation } from './simulation.ts'

const CODE_LIFE_MS = 5 * 60_000

/** `detail` of the button's event. The code is not one of `wx.login`. */
export type PhoneTap =
  | { readonly errMsg: string; readonly code: string }
  | { readonly errMsg: string; readonly errno: number }

export const PHONE_NUMBER = /^\+?\d{5,20}$/

/** WeChat charges for the tap, whether or not the server ever sends the code. */
export function tapPhoneButton(
  { state, now }: Simulation,
  openid: string,
  phoneNumber: string,
): PhoneTap {
  const { phoneQuota } = state.settings
  if (phoneQuota === 0)
    return { errMsg: 'getPhoneNumber:fail no quota for this business', errno: 1_400_001 }
  if (phoneQuota !== null) state.settings.phoneQuota = phoneQuota - 1
  const code = randomBytes(32).toString('hex')
  state.phoneCodes.push({ code, openid, phoneNumber, issuedAt: now(), usedAt: null })
  return { errMsg: 'getPhoneNumber:ok', code }
}

/** With the fields that WeChat knows: it reads a `code` in the query as missing. */
const bodySchema = v.object({ code: v.string(), openid: v.optional(v.string()) })

/** WeChat does not publish its answer to the code of another user; it cannot be valid. */
export const getUserPhoneNumber: JsonOperation = ({ account, state, now }, body) => {
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success) return err(apiError(40097))
  const { code, openid } = parsed.output
  const tap = state.phoneCodes.findLast((known) => known.code === code)
  if (tap === undefined || tap.usedAt !== null || now() - tap.issuedAt >= CODE_LIFE_MS)
    return err(apiError(40029))
  if (openid !== undefined && openid !== tap.openid) return err(apiError(40029))
  tap.usedAt = now()
  const [, country = '', pure = tap.phoneNumber] =
    /^\+(\d{1,3})-?(\d+)$/.exec(tap.phoneNumber) ?? []
  return ok({
    phone_info: {
      phoneNumber: tap.phoneNumber,
      purePhoneNumber: pure,
      countryCode: country || '86',
      watermark: { timestamp: Math.floor(now() / 1000), appid: account.appid },
    },
  })
}

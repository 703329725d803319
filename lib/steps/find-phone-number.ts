import { fingerprint } from '../core/fingerprint.ts'
import type { User } from '../core/caller.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { withAccessToken } from './with-access-token.ts'

/** The lifetime of a phone code at WeChat. A repeated request is answered during the same time. */
const CODE_LIFE_MS = 5 * 60_000

/** The pauses before each look for the result of the first request, which may still be running. */
const LOOKS_AFTER_MS = [0, 200, 600]

/**
 * Exchanges a phone code for the user's phone number, and stores it with the user.
 *
 * A code works once at WeChat, and each costs the shop money. So a repeated request of the same
 * user gets the stored number. WeChat gives the same answer to a used code and to one that never
 * existed.
 */
export async function findPhoneNumber(
  deps: Pick<Deps, 'cache' | 'miniProgram' | 'users' | 'clock' | 'waitUntil'>,
  user: User,
  phoneCode: string,
): Promise<Outcome<string>> {
  const codeHash = fingerprint([phoneCode])
  const at = deps.clock.now()
  const asked = await withAccessToken(deps, user.appid, (token) =>
    deps.miniProgram(user.appid).findPhoneNumber(token, phoneCode, user.openid),
  )
  if (asked.ok) {
    if (asked.value.outcome === 'token_refused') {
      const { code, text } = asked.value
      return err({ reason: 'wechat_refused', code, text })
    }
    const { phoneNumber } = asked.value
    await deps.users.keepPhoneNumber(user, { phoneNumber, codeHash, at })
    return ok(phoneNumber)
  }
  if (asked.error.reason !== 'phone_code_invalid') return asked
  for (const pause of LOOKS_AFTER_MS) {
    if (pause > 0) await deps.clock.sleep(pause)
    const since = new Date(at.getTime() - CODE_LIFE_MS)
    const first = await deps.users.findPhoneNumber(user, { codeHash, since })
    if (first !== null) return ok(first)
  }
  return asked
}

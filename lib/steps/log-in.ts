import type { Failure } from '../core/failure.ts'
import { fingerprint } from '../core/fingerprint.ts'
import type { Openid } from '../core/ids.ts'
import { cleanText } from '../core/text.ts'
import { toWholeSeconds } from '../core/time.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps, LoginRequest } from '../ports.ts'

/** WeChat's life of a login code. */
const CODE_LIFE_MS = 5 * 60_000

/** How long a repeat waits for the request it repeats, which may still be under way. */
const LOOKS_AFTER_MS = [0, 150, 300, 600, 1_200]

const NICKNAME_BYTES = 96

export interface Profile {
  readonly nickname?: string | undefined
  /** Checked by `parseUnchanged`: a truncated URL is useless. */
  readonly avatarUrl?: string | undefined
}

/**
 * Exchanges a login code for a token of our own.
 *
 * A code works once at WeChat. The same request sent again (a double tap, a repeat by the network) gets the same token;
 * a used code in any other request does not, or a code read off the wire would be worth a session.
 */
export async function logIn(
  deps: Pick<Deps, 'wechat' | 'users' | 'tokens' | 'clock'>,
  request: LoginRequest,
  profile: Profile,
): Promise<Result<{ openid: Openid; token: string; expiresInSeconds: number }, Failure>> {
  const { code, rawData, signature, encryptedData, iv } = request
  const { nickname: givenName, avatarUrl: givenAvatar } = profile
  const fields = [code, rawData, signature, encryptedData, iv, givenName, givenAvatar]
  const requestHash = fingerprint(fields.map((field) => field ?? null))
  const at = toWholeSeconds(deps.clock.now())
  const identity = await deps.wechat.logIn(request)
  if (identity.ok) {
    const { openid, unionid } = identity.value
    const nickname = cleanText(profile.nickname ?? '', NICKNAME_BYTES) || null
    const avatarUrl = profile.avatarUrl || null
    await deps.users.remember({ openid, unionid, nickname, avatarUrl, requestHash, at })
    return ok({ openid, ...(await deps.tokens.issue(openid, at)) })
  }
  if (identity.error.reason !== 'login_code_used' && identity.error.reason !== 'login_code_invalid')
    return identity
  // A code that WeChat calls used was sent twice; one it calls invalid may have been, long enough ago to be found at once.
  for (const pause of identity.error.reason === 'login_code_used' ? LOOKS_AFTER_MS : [0]) {
    if (pause > 0) await deps.clock.sleep(pause)
    const first = await deps.users.findLogin(requestHash, new Date(at.getTime() - CODE_LIFE_MS))
    if (first !== null)
      return ok({ openid: first.openid, ...(await deps.tokens.issue(first.openid, first.at)) })
  }
  return identity
}

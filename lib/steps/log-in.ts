import { fingerprint } from '../core/fingerprint.ts'
import type { User } from '../core/caller.ts'
import { toWholeSeconds } from '../core/time.ts'
import { ok, type Outcome } from '../core/result.ts'
import type { Deps, LoginRequest } from '../ports.ts'

/** The lifetime of a login code at WeChat. */
const CODE_LIFE_MS = 5 * 60_000

/** The pauses before each look for the result of the first request, which may still be running. */
const LOOKS_AFTER_MS = [0, 150, 300, 600, 1_200]

/** The whole request of a login. WeChat checks the fields of `LoginRequest`. */
export interface WholeLogin extends LoginRequest {
  readonly nickname?: string | undefined
  readonly avatarUrl?: string | undefined
  /** Exchanged after the login. Here it only makes the hashes of different requests differ. */
  readonly phoneCode?: string | undefined
}

/**
 * Exchanges a login code for a token of our own.
 *
 * A code works once at WeChat. A repeat of the whole request (a double tap, a retry by the network)
 * gets the same token. A used code in any other request is refused: otherwise an eavesdropped code
 * would be worth a session.
 */
export async function logIn(
  deps: Pick<Deps, 'miniProgram' | 'users' | 'tokens' | 'clock'>,
  request: WholeLogin,
): Promise<Outcome<User & { token: string; expiresInSeconds: number }>> {
  const { code, rawData, signature, encryptedData, iv, nickname, avatarUrl, phoneCode } = request
  const fields = [code, rawData, signature, encryptedData, iv, nickname, avatarUrl]
  // Without a phone code the hash is the same as in earlier versions.
  const whole = phoneCode === undefined ? fields : [...fields, phoneCode]
  const requestHash = fingerprint(whole.map((field) => field ?? null))
  const at = toWholeSeconds(deps.clock.now())
  const identity = await deps.miniProgram().logIn({ code, rawData, signature, encryptedData, iv })
  if (identity.ok) {
    const { unionid, ...user } = identity.value
    await deps.users.remember({
      ...user,
      unionid,
      nickname: nickname || null,
      avatarUrl: avatarUrl || null,
      requestHash,
      at,
    })
    return ok({ ...user, ...(await deps.tokens.issue(user, at)) })
  }
  if (identity.error.reason !== 'login_code_used' && identity.error.reason !== 'login_code_invalid')
    return identity
  // WeChat says "used" while the first request may still be running, and "invalid" only later: then
  // one look is enough.
  for (const pause of identity.error.reason === 'login_code_used' ? LOOKS_AFTER_MS : [0]) {
    if (pause > 0) await deps.clock.sleep(pause)
    const first = await deps.users.findLogin(requestHash, new Date(at.getTime() - CODE_LIFE_MS))
    if (first !== null) {
      const { at: firstAt, ...user } = first
      return ok({ ...user, ...(await deps.tokens.issue(user, firstAt)) })
    }
  }
  return identity
}

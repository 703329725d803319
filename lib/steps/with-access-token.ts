import type { Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { accessToken } from './access-token.ts'

/**
 * Makes a call with the shared access token of an app. A token that WeChat refuses is replaced
 * once: if WeChat refuses a new one too, another token would not help.
 */
export async function withAccessToken<T extends { readonly outcome: string }>(
  deps: Pick<Deps, 'cache' | 'miniProgram' | 'clock' | 'waitUntil'>,
  appid: string,
  call: (token: string) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  for (let isRenewed = false; ; isRenewed = true) {
    const token = await accessToken(deps, appid)
    if (!token.ok) return token
    const answer = await call(token.value)
    if (isRenewed || !answer.ok || answer.value.outcome !== 'token_refused') return answer
    await deps.cache.accessTokens.forget(appid, token.value)
  }
}

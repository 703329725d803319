import type { Failure } from '../core/failure.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { singleFlight } from './single-flight.ts'

const ID = 'access-token'

/** The access token that all instances share. */
export async function accessToken(
  deps: Pick<Deps, 'cache' | 'wechat' | 'clock' | 'waitUntil'>,
): Promise<Result<string, Failure>> {
  const { accessTokens } = deps.cache
  return singleFlight(deps, accessTokens, {
    id: ID,
    found: await accessTokens.find(ID),
    isGood: () => true,
    make: async () => {
      const fetched = await deps.wechat.fetchAccessToken()
      return fetched.ok ? ok({ value: fetched.value.token, lifeMs: fetched.value.lifeMs }) : fetched
    },
  })
}

/** For a token that WeChat refuses. */
export const forgetAccessToken = (deps: Pick<Deps, 'cache'>, token: string): Promise<void> =>
  deps.cache.accessTokens.forget(ID, token)

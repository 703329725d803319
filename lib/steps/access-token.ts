import { ok, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { singleFlight } from './single-flight.ts'

/** The access token of an app, which all instances share. */
export async function accessToken(
  deps: Pick<Deps, 'cache' | 'miniProgram' | 'clock' | 'waitUntil'>,
  appid: string,
): Promise<Outcome<string>> {
  const { accessTokens } = deps.cache
  return singleFlight(deps, accessTokens, {
    id: appid,
    found: await accessTokens.find(appid),
    isReusable: () => true,
    make: async () => {
      const fetched = await deps.miniProgram(appid).fetchAccessToken()
      return fetched.ok ? ok({ value: fetched.value.token, lifeMs: fetched.value.lifeMs }) : fetched
    },
  })
}

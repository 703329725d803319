import * as v from 'valibot'
import { err, ok } from './result.ts'
import { forcedToken, stableToken } from './access-token.ts'
import { apiError } from './json-answer.ts'
import type { JsonOperation } from './json-call.ts'

const text = v.optional(v.string(), '')
const bodySchema = v.object({
  grant_type: text,
  appid: text,
  secret: text,
  force_refresh: v.optional(v.boolean(), false),
})

/** Returns the access token. All callers get the same one while it is valid. */
export const giveStableToken: JsonOperation = (simulation, body) => {
  const { account, now } = simulation
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success) return err(apiError(47001))
  const { grant_type, appid, secret, force_refresh } = parsed.output
  if (grant_type !== 'client_credential') return err(apiError(40002))
  if (appid === '') return err(apiError(41002))
  if (secret === '') return err(apiError(41004))
  if (appid !== account.appid) return err(apiError(40013))
  if (secret !== account.appSecret) return err(apiError(40125))
  const given = force_refresh ? forcedToken(simulation) : stableToken(simulation)
  if ('errcode' in given) return err(given)
  return ok({ access_token: given.token, expires_in: Math.floor((given.expiresAt - now()) / 1000) })
}

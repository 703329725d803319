import { requireUserToken } from '../lib/http/authenticate.ts'
import { addressOf, limit, userOf } from '../lib/http/limit.ts'
import { readNoQuery, readRequest } from '../lib/http/read-request.ts'
import { loginOrPhoneRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { findPhoneNumber } from '../lib/steps/find-phone-number.ts'
import { logIn } from '../lib/steps/log-in.ts'

/**
 * Exchanges the code of `wx.login` for a token of ours, and a `phoneCode` for the user's phone
 * number. A user who has a token needs no code for the number.
 */
export const post: Handler = async (request, deps, edge) => {
  const address = limit(edge, 'login', addressOf(request))
  if (!address.ok) return address
  const asked = await readRequest(request, loginOrPhoneRequest)
  if (!asked.ok) return asked
  const session =
    'code' in asked.value ? await logIn(deps, asked.value) : await requireUserToken(request, edge)
  if (!session.ok) return session
  // Counted only now, because only WeChat's answer tells who the user is.
  const user = limit(edge, 'login', userOf(session.value))
  if (!user.ok) return user
  const { token, expiresInSeconds } = session.value
  const answer = { token, expiresIn: expiresInSeconds }
  const { phoneCode } = asked.value
  if (phoneCode === undefined) return reply(200, answer)
  const found = await findPhoneNumber(deps, session.value, phoneCode)
  return found.ok ? reply(200, { ...answer, phoneNumber: found.value }) : found
}

/** Tells whose token it is, so that the merchant's server can identify a user who sends it one. */
export const get: Handler = async (request, _, edge) => {
  const token = await requireUserToken(request, edge)
  if (!token.ok) return token
  const query = readNoQuery(request)
  if (!query.ok) return query
  const { openid, expiresInSeconds } = token.value
  return reply(200, { openid, expiresIn: expiresInSeconds })
}

export default serve(
  'login',
  { GET: get, POST: post },
  {
    afterwards: catchUp,
    waitsFor: { POST: ['wechat', 'database'] },
  },
)

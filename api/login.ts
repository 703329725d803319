import { requireUserToken } from '../lib/http/authenticate.ts'
import { addressOf, limit, userOf } from '../lib/http/limit.ts'
import { readNoQuery, readRequest } from '../lib/http/read-request.ts'
import { loginRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { logIn } from '../lib/steps/log-in.ts'

/** Exchanges the code of `wx.login` for a token of ours. */
export const post: Handler = async (request, deps, edge) => {
  const address = limit(edge, 'login', addressOf(request))
  if (!address.ok) return address
  const asked = await readRequest(request, loginRequest)
  if (!asked.ok) return asked
  const { nickname, avatarUrl, ...proof } = asked.value
  const login = await logIn(deps, proof, { nickname, avatarUrl })
  if (!login.ok) return login
  // Counted only now, because only WeChat's answer tells who the user is.
  const user = limit(edge, 'login', userOf(login.value.user))
  if (!user.ok) return user
  return reply(200, { token: login.value.token, expiresIn: login.value.expiresInSeconds })
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

export default serve('login', { GET: get, POST: post }, { afterwards: catchUp })

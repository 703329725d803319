/** `wx.login` of the Mini Program and `jscode2session` of the server. */
import { randomBytes } from 'node:crypto'
import { err, ok, type Result } from './result.ts'
import type { Answer, Incoming } from './exchange.ts'
import type { Fault } from './faults.ts'
import { apiError, json, type ApiError } from './json-answer.ts'
import type { Account, Simulation } from './simulation.ts'
import type { Login, State } from './state.ts'

const CODE_LIFE_MS = 5 * 60_000
/** The openid for codes of the real developer tools, because only Tencent knows the real one. */
const DEMO_OPENID = 'oDemo000000000000000000User1'
/**
 * Developer tools without an appid return this code every time, so it can be used again and again.
 */
const MOCK_CODE = 'the code is a mock one'

/** A new code, as `wx.login` returns it. */
export function issueLogin(simulation: Simulation, openid: string = newOpenid()): Login {
  return addLogin(
    simulation,
    `0${randomBytes(23).toString('base64url')}`.replaceAll(/[-_]/g, 'x'),
    openid,
  )
}

export const findLogin = (state: State, code: string): Login | undefined =>
  state.logins.findLast((login) => login.code === code)

/** Whether the text can be an openid. The openids that WeChat gives are more regular. */
export const isOpenid = (text: string): boolean => /^[0-9A-Za-z_-]{1,128}$/.test(text)

/** Openids of a login, and openids that a merchant may know from earlier. */
export const isKnownOpenid = (state: State, openid: string): boolean =>
  /^o[0-9A-Za-z_-]{27}$/.test(openid) || state.logins.some((login) => login.openid === openid)

/**
 * Exchanges a code for openid and session key. Reads only the query, with any method, as WeChat
 * does.
 */
export function codeToSession(
  simulation: Simulation,
  incoming: Incoming,
  fault: Fault | null,
): Answer {
  if (fault?.do === 'errcode') return answer(apiError(fault.errcode, fault.errmsg))
  const query = incoming.url.searchParams
  const refused = findBadQuery(simulation.account, query)
  if (refused !== null) return answer(refused)
  const session = openSession(simulation, query.get('js_code') ?? '')
  return answer(
    session.ok
      ? { session_key: session.value.sessionKey, openid: session.value.openid }
      : session.error,
  )
}

/** WeChat labels this JSON as plain text. */
const answer = (body: object): Answer => json(body, 'text/plain')

function findBadQuery(account: Account, query: URLSearchParams): ApiError | null {
  if (!query.get('appid')) return apiError(41002)
  if (!query.get('secret')) return apiError(41004)
  if (!query.get('js_code')) return apiError(41008)
  if (query.get('appid') !== account.appid) return apiError(40013)
  if (query.get('secret') !== account.appSecret) return apiError(40125)
  if (query.get('grant_type') !== 'authorization_code') return apiError(40002)
  return null
}

function openSession(simulation: Simulation, code: string): Result<Login, ApiError> {
  const login = findLogin(simulation.state, code) ?? fromDeveloperTools(simulation, code)
  if (login === null) return err(apiError(40029))
  if (code === MOCK_CODE) return ok(login)
  if (login.usedAt !== null) return err(apiError(40163))
  if (simulation.now() - login.issuedAt >= CODE_LIFE_MS) return err(apiError(40029))
  login.usedAt = simulation.now()
  return ok(login)
}

function fromDeveloperTools(simulation: Simulation, code: string): Login | null {
  return code === MOCK_CODE || /^[0-9A-Za-z_-]{20,64}$/.test(code)
    ? addLogin(simulation, code, DEMO_OPENID)
    : null
}

function addLogin(simulation: Simulation, code: string, openid: string): Login {
  const login = {
    code,
    openid,
    sessionKey: randomBytes(16).toString('base64'),
    issuedAt: simulation.now(),
    usedAt: null,
  }
  simulation.state.logins.push(login)
  return login
}

const newOpenid = (): string => `o${randomBytes(21).toString('base64url').slice(0, 27)}`

/** `wx.login` on the phone's side and `jscode2session` on the server's. */
import { randomBytes } from 'node:crypto'
import { err, ok, type Result } from '../../lib/core/result.ts'
import type { Answer, Incoming } from './exchange.ts'
import type { Fault } from './faults.ts'
import { apiError, json, type ApiError } from './json-answer.ts'
import type { Account, Simulation } from './simulation.ts'
import type { Login, State } from './state.ts'

const CODE_LIFE_MS = 5 * 60_000
/** Who a code of the real developer tools belongs to: only Tencent could say. */
const DEMO_OPENID = 'oDemo000000000000000000User1'
/** The developer tools give this one every time when they have no appid, so it cannot be used up. */
const MOCK_CODE = 'the code is a mock one'

/** A fresh code, as the phone would get it from `wx.login`. */
export function issueLogin(simulation: Simulation, openid: string = newOpenid()): Login {
  return addLogin(
    simulation,
    `0${randomBytes(23).toString('base64url')}`.replaceAll(/[-_]/g, 'x'),
    openid,
  )
}

export const findLogin = (state: State, code: string): Login | undefined =>
  state.logins.findLast((login) => login.code === code)

/** Openids given by a login, and any other a merchant could know from before. */
export const isKnownOpenid = (state: State, openid: string): boolean =>
  /^o[0-9A-Za-z_-]{27}$/.test(openid) || state.logins.some((login) => login.openid === openid)

/** Trades a code for openid and session key. Reads the query only, whatever the method, as WeChat does. */
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

/** WeChat has labelled this JSON as plain text for years. */
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

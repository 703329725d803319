/** `wx.login` on the phone's side and `jscode2session` on the server's. */
import { randomBytes } from 'node:crypto'
import { err, ok, type Result } from '../../lib/core/result.ts'
import type { Answer, Incoming } from './exchange.ts'
import type { Fault } from './faults.ts'
import type { Account, Simulation } from './simulation.ts'
import type { Login, State } from './state.ts'

const CODE_LIFE_MS = 5 * 60_000
/** Who a code of the real developer tools belongs to: only Tencent could say. */
const DEMO_OPENID = 'oDemo000000000000000000User1'
/** The developer tools give this one every time when they have no appid, so it cannot be used up. */
const MOCK_CODE = 'the code is a mock one'

interface SessionError {
  readonly errcode: number
  readonly errmsg: string
}

/** A fresh code, as the phone would get it from `wx.login`. */
export function issueLogin(simulation: Simulation, openid: string = newOpenid()): Login {
  return addLogin(simulation, `0${randomBytes(23).toString('base64url')}`.replaceAll(/[-_]/g, 'x'), openid)
}

export const findLogin = (state: State, code: string): Login | undefined => state.logins.findLast((login) => login.code === code)

/** Openids given by a login, and any other a merchant could know from before. */
export const isKnownOpenid = (state: State, openid: string): boolean =>
  /^o[0-9A-Za-z_-]{27}$/.test(openid) || state.logins.some((login) => login.openid === openid)

/** Trades a code for openid and session key. Reads the query only, whatever the method, as WeChat does. */
export function codeToSession(simulation: Simulation, incoming: Incoming, fault: Fault | null): Answer {
  if (fault?.do === 'errcode') return json(failed(fault.errcode, fault.errmsg ?? usualText.get(fault.errcode) ?? 'error'))
  const query = incoming.url.searchParams
  const refused = findBadQuery(simulation.account, query)
  if (refused !== null) return json(refused)
  const session = openSession(simulation, query.get('js_code') ?? '')
  return json(session.ok ? { session_key: session.value.sessionKey, openid: session.value.openid } : session.error)
}

const usualText: ReadonlyMap<number, string> = new Map([
  [-1, 'system error'],
  [40029, 'invalid code'],
  [40163, 'code been used'],
  [40226, 'code blocked'],
  [45011, 'api minute-quota reach limit  mustslower  retry next minute'],
])

/** WeChat has labelled this JSON as plain text for years. */
const json = (body: object): Answer => ({ status: 200, contentType: 'text/plain', body: JSON.stringify(body) })

const failed = (errcode: number, errmsg: string): SessionError => {
  const rid = [0, 1, 2].map(() => randomBytes(4).toString('hex')).join('-')
  return { errcode, errmsg: `${errmsg}, rid: ${rid}` }
}

function findBadQuery(account: Account, query: URLSearchParams): SessionError | null {
  if (!query.get('appid')) return failed(41002, 'appid missing')
  if (!query.get('secret')) return failed(41004, 'appsecret missing')
  if (!query.get('js_code')) return failed(41008, 'missing code')
  if (query.get('appid') !== account.appid) return failed(40013, 'invalid appid')
  if (query.get('secret') !== account.appSecret) return failed(40125, 'invalid appsecret')
  if (query.get('grant_type') !== 'authorization_code') return failed(40002, 'invalid grant_type')
  return null
}

function openSession(simulation: Simulation, code: string): Result<Login, SessionError> {
  const login = findLogin(simulation.state, code) ?? fromDeveloperTools(simulation, code)
  if (login === null) return err(failed(40029, 'invalid code'))
  if (code === MOCK_CODE) return ok(login)
  if (login.usedAt !== null) return err(failed(40163, 'code been used'))
  if (simulation.now() - login.issuedAt >= CODE_LIFE_MS) return err(failed(40029, 'invalid code'))
  login.usedAt = simulation.now()
  return ok(login)
}

function fromDeveloperTools(simulation: Simulation, code: string): Login | null {
  return code === MOCK_CODE || /^[0-9A-Za-z_-]{20,64}$/.test(code) ? addLogin(simulation, code, DEMO_OPENID) : null
}

function addLogin(simulation: Simulation, code: string, openid: string): Login {
  const login = { code, openid, sessionKey: randomBytes(16).toString('base64'), issuedAt: simulation.now(), usedAt: null }
  simulation.state.logins.push(login)
  return login
}

const newOpenid = (): string => `o${randomBytes(21).toString('base64url').slice(0, 27)}`

/** The common part of JSON calls to api.weixin.qq.com: method, access token, body. */
import type { Result } from './result.ts'
import { findBadToken } from './access-token.ts'
import type { Answer, Incoming } from './exchange.ts'
import type { Fault } from './faults.ts'
import { apiError, json, type ApiError } from './json-answer.ts'
import type { Simulation } from './simulation.ts'

const MINUTE_MS = 60_000

/** One JSON call. Takes the parsed body and returns the fields of the answer. */
export type JsonOperation = (simulation: Simulation, body: unknown) => Result<object, ApiError>

type Answering = (simulation: Simulation, incoming: Incoming, fault: Fault | null) => Answer

/** A call without an access token. */
export const openCall =
  (operation: JsonOperation): Answering =>
  (simulation, incoming, fault) => {
    if (fault?.do === 'errcode') return json(apiError(fault.errcode, fault.errmsg))
    if (incoming.method !== 'POST') return json(apiError(43002))
    const body = parseJson(incoming.body)
    if (body === undefined) return json(apiError(47001))
    const outcome = operation(simulation, body)
    return json(outcome.ok ? outcome.value : outcome.error)
  }

/** A call with an access token in the query. */
export const tokenCall =
  (operation: JsonOperation): Answering =>
  (simulation, incoming, fault) => {
    const refused =
      fault?.do === 'errcode'
        ? null
        : (findBadToken(simulation, incoming.url.searchParams.get('access_token') ?? '') ??
          findTooManyCalls(simulation, incoming.url.pathname))
    if (refused !== null) return json(refused)
    const withState: JsonOperation = (_, body) => {
      const outcome = operation(simulation, body)
      return outcome.ok
        ? { ok: true, value: { errcode: 0, errmsg: 'ok', ...outcome.value } }
        : outcome
    }
    return openCall(withState)(simulation, incoming, fault)
  }

/** Counts the call, and returns an error if too many were made in this minute. */
function findTooManyCalls({ state, now }: Simulation, path: string): ApiError | null {
  const startedAt = now() - (now() % MINUTE_MS)
  if (state.minute.startedAt !== startedAt) state.minute = { startedAt, calls: {} }
  const calls = (state.minute.calls[path] ?? 0) + 1
  state.minute.calls[path] = calls
  const { callsPerMinute } = state.settings
  return callsPerMinute !== null && calls > callsPerMinute ? apiError(45011) : null
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/** The common part of all calls of APIv3: authenticates the request and signs the answer. */
import { randomBytes } from 'node:crypto'
import { err, type Result } from '../result.ts'
import type { Answer, Incoming } from '../exchange.ts'
import type { Fault } from '../faults.ts'
import type { Simulation } from '../simulation.ts'
import type { V3 } from './account.ts'
import { findBadAuthorization } from './authenticate.ts'
import { refuse, type V3Refusal } from './refusal.ts'
import { signText } from './signature.ts'

export interface V3Call {
  readonly simulation: Simulation
  readonly v3: V3
  readonly incoming: Incoming
  readonly fault: Fault | null
}

/** One operation. Returns the object of the answer; null means 204 without a body. */
export type V3Operation = (call: V3Call) => Result<object | null, V3Refusal>

type Answering = (simulation: Simulation, incoming: Incoming, fault: Fault | null) => Answer

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type Operations = Readonly<Partial<Record<Method, V3Operation>>>

/** A call whose answer is signed. */
export const v3Call = (v3: V3, method: Method, operation: V3Operation): Answering =>
  v3Calls(v3, { [method]: operation })

/** The calls of one path by their methods. Their answers are signed. */
export const v3Calls =
  (v3: V3, operations: Operations): Answering =>
  (simulation, incoming, fault) => {
    const turnedAway = findStranger(v3, simulation, incoming, fault)
    if (turnedAway !== null) return unsigned(turnedAway)
    const outcome = outcomeOf({ simulation, v3, incoming, fault }, operations)
    const status = outcome.ok ? (outcome.value === null ? 204 : 200) : outcome.error.status
    const body = outcome.ok ? outcome.value : bodyOf(outcome.error)
    const key = v3.keys.forAnswer(incoming.headers.get('wechatpay-serial'))
    const text = body === null ? '' : JSON.stringify(body)
    const signed = signText(v3, key, text, simulation.now(), fault)
    const number = outcome.ok ? 0 : outcome.error.number
    return json(status, signed.body, { ...signed.headers, 'request-id': requestId(number) })
  }

/** A call whose answer is not signed, as the download of a bill. */
export const unsignedCall =
  (v3: V3, operation: (call: V3Call) => Result<Answer, V3Refusal>): Answering =>
  (simulation, incoming, fault) => {
    const refused = findStranger(v3, simulation, incoming, fault) ?? findAsked(fault)
    if (refused !== null) return unsigned(refused)
    const outcome = operation({ simulation, v3, incoming, fault })
    return outcome.ok ? outcome.value : unsigned(outcome.error)
  }

function outcomeOf(call: V3Call, operations: Operations): Result<object | null, V3Refusal> {
  const { incoming, v3, fault } = call
  const asked = findAsked(fault)
  if (asked !== null) return err(asked)
  const operation = new Map(Object.entries(operations)).get(incoming.method)
  if (operation === undefined)
    return err({ ...refuse('INVALID_REQUEST', { message: '不支持该HTTP方法' }), status: 405 })
  const serial = incoming.headers.get('wechatpay-serial')
  return serial === null || v3.keys.find(serial) !== undefined
    ? operation(call)
    : err(refuse('PARAM_ERROR', { message: '平台证书序列号Wechatpay-Serial错误' }))
}

const findAsked = (fault: Fault | null): V3Refusal | null =>
  fault?.do === 'err-code' ? refuse(fault.errCode, { message: fault.errCodeDes }) : null

/** The merchant is not identified yet, so these refusals are not signed. */
function findStranger(
  v3: V3,
  { account, now }: Simulation,
  incoming: Incoming,
  fault: Fault | null,
): V3Refusal | null {
  if (fault?.do === 'return-fail') return refuse('SIGN_ERROR', { message: fault.returnMsg })
  if (!incoming.headers.has('accept') || !incoming.headers.has('user-agent'))
    return refuse('INVALID_REQUEST', { message: 'Http头缺少Accept或User-Agent' })
  const issue = findBadAuthorization(v3, account.mchId, incoming, now())
  return issue === null
    ? null
    : refuse('SIGN_ERROR', { detail: { field: 'signature', issue, location: 'authorization' } })
}

const bodyOf = ({ code, message, detail }: V3Refusal): object => ({
  code,
  message,
  ...(detail === undefined ? {} : { detail }),
})

const unsigned = (refusal: V3Refusal): Answer =>
  json(refusal.status, JSON.stringify(bodyOf(refusal)), { 'request-id': requestId(refusal.number) })

const json = (status: number, body: string, headers: Readonly<Record<string, string>>): Answer => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body,
  headers,
})

const requestId = (number: number): string =>
  `08${randomBytes(12).toString('hex').toUpperCase()}-${number}`

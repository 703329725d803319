import { readXml } from './xml.ts'
import { GATEWAY_PAGE } from './exchange.ts'
import type { Fault } from './faults.ts'
import { writeRefundNotification } from './refund-notification.ts'
import { writeSigned } from './signed-message.ts'
import type { Account } from './simulation.ts'
import { toBytes, withoutEnd } from './spoiled-bytes.ts'
import type { Attempt, SimulatedNotification } from './state.ts'
import type { MessageLog } from './message-log.ts'
import type { V3 } from './v3/account.ts'
import { writeV3Notification, type V3Message } from './v3/notification.ts'

/** WeChat's timeout for an acknowledgement. In real time, not by the simulator's clock. */
const DEADLINE_MS = 5000

export interface Posted {
  readonly attempts: readonly Attempt[]
  readonly acknowledged: boolean
}

export interface Posting {
  readonly account: Account
  readonly v3: V3 | null
  readonly at: number
  readonly fault: Fault | null
  readonly stopping: AbortSignal
  readonly messageLog: MessageLog
}

export interface WrittenMessage {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Message extends WrittenMessage {
  readonly kind: 'v2' | V3Message['kind']
}

/**
 * Sends one copy of a notification and checks the answer.
 *
 * An acknowledgement comes from the address itself, without a redirect. In v2 it is HTTP 200 with
 * well-formed XML whose `return_code` is SUCCESS, and in APIv3 it is HTTP 200 or 204.
 */
export async function postNotification(
  notification: SimulatedNotification,
  posting: Posting,
): Promise<Posted> {
  const attempts: Attempt[] = []
  let acknowledged = false
  for (const message of messagesOf(notification, posting)) {
    const attempt = await post(notification.url, message, posting)
    attempts.push(attempt)
    acknowledged = attempt.problem === null
  }
  return { attempts, acknowledged }
}

/** The messages of one delivery. The notification itself is the last one. */
export function messagesOf(
  notification: SimulatedNotification,
  { account, v3, at, fault }: Pick<Posting, 'account' | 'v3' | 'at' | 'fault'>,
): readonly Message[] {
  if (notification.v3 === null) {
    const body =
      fault?.do === 'html' ? GATEWAY_PAGE : writeNotification(notification, account, fault)
    return [{ body, headers: { 'content-type': 'text/xml; charset=utf-8' }, kind: 'v2' }]
  }
  if (v3 === null) return []
  const round = notification.rounds
  return writeV3Notification(v3, notification.v3, { round, at, fault }).map((message) => ({
    ...message,
    body: fault?.do === 'html' ? GATEWAY_PAGE : message.body,
    headers: {
      accept: '*/*',
      'user-agent': 'Mozilla/4.0',
      'content-type': 'application/json',
      ...message.headers,
    },
  }))
}

export async function post(
  url: string,
  { body, headers, kind }: Message,
  { at, fault, stopping, messageLog }: Pick<Posting, 'at' | 'fault' | 'stopping' | 'messageLog'>,
): Promise<Attempt> {
  const sent = toBytes(body, fault)
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  const entry = {
    at,
    direction: 'out',
    method: 'POST',
    url,
    request: Buffer.from(sent).toString('utf8'),
    ...(kind === 'v2' ? {} : { requestHeaders: headers }),
  } as const
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      ...(fault?.do === 'stall' ? { body: withoutEnd(sent), duplex: 'half' } : { body: sent }),
      redirect: 'manual',
      signal: AbortSignal.any([deadline, stopping]),
    })
    const bytes = await response.bytes()
    const answer = Buffer.from(bytes).toString('utf8')
    messageLog.add({ ...entry, response: answer, status: response.status })
    const problem =
      fault?.do === 'lose-answer' ? 'answer lost' : findProblem(kind, response.status, bytes)
    return { at, status: response.status, answer, problem }
  } catch {
    messageLog.add({ ...entry, response: null, status: null })
    const problem = deadline.aborted
      ? `no answer within ${DEADLINE_MS / 1000} seconds`
      : 'no connection, or it broke'
    return { at, status: null, answer: null, problem }
  }
}

function writeNotification(
  { message, reqInfo, signType }: SimulatedNotification,
  account: Account,
  fault: Fault | null,
): string {
  if (reqInfo !== null) return writeRefundNotification(message, reqInfo, account, fault)
  const failure =
    fault?.do === 'err-code'
      ? { result_code: 'FAIL', err_code: fault.errCode, err_code_des: fault.errCodeDes ?? '' }
      : {}
  return writeSigned(
    new Map(Object.entries({ ...message, ...failure })),
    account.payKey,
    signType,
    fault,
  )
}

function findProblem(kind: Message['kind'], status: number, bytes: Uint8Array): string | null {
  if (kind === 'probe')
    return status >= 200 && status < 300 ? 'a signature probe was acknowledged' : null
  if (kind !== 'v2') return status === 200 || status === 204 ? null : `HTTP ${status}`
  if (status !== 200) return `HTTP ${status}`
  const read = readXml(bytes)
  if (!read.ok) return 'answer is not WeChat XML'
  return read.value.get('return_code') === 'SUCCESS' ? null : 'return_code is not SUCCESS'
}

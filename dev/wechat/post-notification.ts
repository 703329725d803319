import { readXml } from '../../lib/wechat/v2/xml.ts'
import { GATEWAY_PAGE } from './exchange.ts'
import type { Fault } from './faults.ts'
import { writeRefundNotification } from './refund-notification.ts'
import { writeSigned } from './signed-message.ts'
import type { Account } from './simulation.ts'
import { toBytes, withoutEnd } from './spoiled-bytes.ts'
import type { Attempt, SimulatedNotification } from './state.ts'
import type { MessageLog } from './message-log.ts'

/** WeChat's timeout for an acknowledgement. In real time, not by the simulator's clock. */
const DEADLINE_MS = 5000

export interface Posted {
  readonly attempt: Attempt
  readonly acknowledged: boolean
}

/**
 * Sends one copy of a notification and checks the answer.
 *
 * An acknowledgement is HTTP 200 from the address itself, without a redirect, with well-formed XML
 * whose `return_code` is SUCCESS.
 */
export async function postNotification(
  notification: SimulatedNotification,
  {
    account,
    at,
    fault,
    stopping,
    messageLog,
  }: {
    account: Account
    at: number
    fault: Fault | null
    stopping: AbortSignal
    messageLog: MessageLog
  },
): Promise<Posted> {
  const sent = toBytes(
    fault?.do === 'html' ? GATEWAY_PAGE : writeNotification(notification, account, fault),
    fault,
  )
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  const entry = {
    at,
    direction: 'out',
    method: 'POST',
    url: notification.url,
    request: Buffer.from(sent).toString('utf8'),
  } as const
  try {
    const response = await fetch(notification.url, {
      method: 'POST',
      headers: { 'content-type': 'text/xml; charset=utf-8' },
      ...(fault?.do === 'stall' ? { body: withoutEnd(sent), duplex: 'half' } : { body: sent }),
      redirect: 'manual',
      signal: AbortSignal.any([deadline, stopping]),
    })
    const bytes = await response.bytes()
    const answer = Buffer.from(bytes).toString('utf8')
    messageLog.add({ ...entry, response: answer, status: response.status })
    const problem =
      fault?.do === 'lose-answer' ? 'answer lost' : findProblem(response.status, bytes)
    return {
      attempt: { at, status: response.status, answer, problem },
      acknowledged: problem === null,
    }
  } catch {
    messageLog.add({ ...entry, response: null, status: null })
    const problem = deadline.aborted
      ? `no answer within ${DEADLINE_MS / 1000} seconds`
      : 'no connection, or it broke'
    return { attempt: { at, status: null, answer: null, problem }, acknowledged: false }
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

function findProblem(status: number, bytes: Uint8Array): string | null {
  if (status !== 200) return `HTTP ${status}`
  const read = readXml(bytes)
  if (!read.ok) return 'answer is not WeChat XML'
  return read.value.get('return_code') === 'SUCCESS' ? null : 'return_code is not SUCCESS'
}

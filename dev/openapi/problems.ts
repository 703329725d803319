/** Every problem that a caller can receive, from the code that writes it. */
import * as v from 'valibot'
import type { Failure } from '../../lib/core/failure.ts'
import { problem } from '../../lib/http/problem.ts'

export type Code = Failure['reason']

/** One failure for each reason: a new reason does not compile until it is added here. */
const samples: { readonly [C in Code]: Extract<Failure, { reason: C }> } = {
  invalid_request: {
    reason: 'invalid_request',
    field: 'totalFee',
    expected: 'a whole number of fen, from 1 to 2147483647',
  },
  invalid_user_data: { reason: 'invalid_user_data' },
  notice_rejected: { reason: 'notice_rejected', check: 'signature' },
  not_signed_in: { reason: 'not_signed_in', needs: ['user', 'merchant'] },
  login_code_invalid: { reason: 'login_code_invalid' },
  login_code_used: { reason: 'login_code_used' },
  login_blocked: { reason: 'login_blocked' },
  phone_code_invalid: { reason: 'phone_code_invalid' },
  wrong_token: { reason: 'wrong_token', needs: ['merchant'] },
  order_not_found: { reason: 'order_not_found' },
  refund_not_found: { reason: 'refund_not_found' },
  complaint_not_found: { reason: 'complaint_not_found' },
  incident_not_found: { reason: 'incident_not_found' },
  incident_handled: { reason: 'incident_handled' },
  event_not_found: { reason: 'event_not_found' },
  part_not_found: { reason: 'part_not_found' },
  method_not_allowed: { reason: 'method_not_allowed', allow: 'GET, POST' },
  order_conflict: { reason: 'order_conflict' },
  order_paid: { reason: 'order_paid' },
  order_closed: { reason: 'order_closed' },
  order_not_paid: { reason: 'order_not_paid' },
  refund_conflict: { reason: 'refund_conflict' },
  refund_too_much: { reason: 'refund_too_much' },
  refund_refused: {
    reason: 'refund_refused',
    code: 'TRADE_OVERDUE',
    remedy: 'the payment is older than a year: give the money back by other means',
  },
  payout_refused: {
    reason: 'payout_refused',
    code: 'INVALID_REQUEST',
    remedy: 'check bankType, bankAccount and realName',
  },
  payout_not_possible: { reason: 'payout_not_possible' },
  payout_in_console_only: { reason: 'payout_in_console_only' },
  shipping_complete: { reason: 'shipping_complete' },
  shipping_corrected: { reason: 'shipping_corrected' },
  shipping_refused: {
    reason: 'shipping_refused',
    code: '10060008',
    remedy: 'a parcel has no description',
  },
  complaint_refused: {
    reason: 'complaint_refused',
    code: 'INVALID_REQUEST',
    remedy: 'reply first: WeChat finishes a complaint that is PROCESSING',
  },
  complaint_busy: { reason: 'complaint_busy' },
  notice_contradicts: { reason: 'notice_contradicts', field: 'amount' },
  bill_busy: { reason: 'bill_busy' },
  body_too_large: { reason: 'body_too_large' },
  unsupported_media_type: { reason: 'unsupported_media_type' },
  too_many_requests: { reason: 'too_many_requests', retryAfterSeconds: 60 },
  too_many_open_orders: { reason: 'too_many_open_orders', most: 50 },
  internal_error: { reason: 'internal_error' },
  wechat_refused: { reason: 'wechat_refused', code: 'INVALID_REQUEST', text: '' },
  wechat_misconfigured: {
    reason: 'wechat_misconfigured',
    code: '40013',
    remedy: 'WeChat does not know WECHAT_APPID',
  },
  wechat_untrusted: { reason: 'wechat_untrusted', check: 'signature' },
  wechat_unknown: { reason: 'wechat_unknown' },
  wechat_busy: { reason: 'wechat_busy' },
  bill_not_ready: { reason: 'bill_not_ready' },
  unavailable: { reason: 'unavailable', dependency: 'database', why: 'timeout' },
  not_configured: { reason: 'not_configured', variable: 'WECHAT_PAY_KEY', fault: 'is not set' },
  too_slow: { reason: 'too_slow' },
}

export const problemSchema = v.strictObject({
  type: v.pipe(v.string(), v.startsWith('urn:wechat-pay-functions:problem:')),
  title: v.pipe(
    v.string(),
    v.description('The error in general, the same for every problem of this code'),
  ),
  status: v.pipe(v.number(), v.integer(), v.description('The status of the answer')),
  detail: v.pipe(v.string(), v.description('The error in this case and what to do, for a person')),
  code: v.pipe(
    v.picklist(Object.values(samples).map(({ reason }) => reason)),
    v.description('Stable. Decide by this code'),
  ),
  requestId: v.pipe(
    v.string(),
    v.description('The same as the header `x-request-id` and in the log line'),
  ),
})

export interface DescribedProblem {
  readonly code: Code
  readonly status: number
  /** The headers that only problems have, in lower case. */
  readonly headers: readonly string[]
  readonly example: v.InferOutput<typeof problemSchema>
}

const ON_EVERY_PROBLEM = 'content-type'

async function describe(failure: Failure): Promise<DescribedProblem> {
  const response = problem(failure, '9f0c1b52-6f1e-4a5e-8f55-0d6c2a2f4f11')
  const example = v.parse(problemSchema, await response.json())
  const headers = [...response.headers.keys()].filter((name) => name !== ON_EVERY_PROBLEM)
  return { code: failure.reason, status: response.status, headers, example }
}

export const describeProblems = (): Promise<DescribedProblem[]> =>
  Promise.all(Object.values(samples).map(describe))

import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import type { Failure } from '../../lib/core/failure.ts'
import { problem, toProblem } from '../../lib/http/problem.ts'

type Reason = Failure['reason']

/** Marks text for the log and the merchant. A payer must never see it. */
const FOR_THE_LOG = 'FOR-THE-LOG'

/** One failure of every reason. A new reason does not compile until it is added here. */
const every: {
  readonly [R in Reason]: readonly [status: number, failure: Extract<Failure, { reason: R }>]
} = {
  invalid_request: [
    400,
    { reason: 'invalid_request', field: 'items.0.quantity', expected: 'at least 1' },
  ],
  invalid_user_data: [400, { reason: 'invalid_user_data' }],
  notice_rejected: [400, { reason: 'notice_rejected', check: 'signature' }],
  not_signed_in: [401, { reason: 'not_signed_in', needs: ['user', 'merchant'] }],
  login_code_invalid: [401, { reason: 'login_code_invalid' }],
  login_code_used: [401, { reason: 'login_code_used' }],
  login_blocked: [403, { reason: 'login_blocked' }],
  phone_code_invalid: [400, { reason: 'phone_code_invalid' }],
  wrong_token: [403, { reason: 'wrong_token', needs: ['cron'] }],
  order_not_found: [404, { reason: 'order_not_found' }],
  refund_not_found: [404, { reason: 'refund_not_found' }],
  complaint_not_found: [404, { reason: 'complaint_not_found' }],
  incident_not_found: [404, { reason: 'incident_not_found' }],
  incident_handled: [409, { reason: 'incident_handled' }],
  event_not_found: [404, { reason: 'event_not_found' }],
  part_not_found: [404, { reason: 'part_not_found' }],
  complaint_busy: [409, { reason: 'complaint_busy' }],
  complaint_refused: [
    409,
    {
      reason: 'complaint_refused',
      code: 'INVALID_REQUEST',
      remedy: 'reply first',
      text: FOR_THE_LOG,
    },
  ],
  method_not_allowed: [405, { reason: 'method_not_allowed', allow: 'GET, POST' }],
  order_conflict: [409, { reason: 'order_conflict' }],
  order_paid: [409, { reason: 'order_paid' }],
  order_closed: [409, { reason: 'order_closed' }],
  order_not_paid: [409, { reason: 'order_not_paid' }],
  refund_conflict: [409, { reason: 'refund_conflict' }],
  refund_too_much: [409, { reason: 'refund_too_much' }],
  payout_not_possible: [409, { reason: 'payout_not_possible' }],
  payout_in_console_only: [409, { reason: 'payout_in_console_only' }],
  payout_refused: [
    409,
    {
      reason: 'payout_refused',
      code: 'INVALID_REQUEST',
      remedy: 'check bankAccount',
      text: FOR_THE_LOG,
    },
  ],
  bill_busy: [409, { reason: 'bill_busy' }],
  bill_not_ready: [503, { reason: 'bill_not_ready' }],
  refund_refused: [
    409,
    {
      reason: 'refund_refused',
      code: 'TRADE_OVERDUE',
      remedy: 'give the money back by other means',
      text: FOR_THE_LOG,
    },
  ],
  shipping_complete: [409, { reason: 'shipping_complete' }],
  shipping_corrected: [409, { reason: 'shipping_corrected' }],
  shipping_refused: [
    409,
    {
      reason: 'shipping_refused',
      code: '10060003',
      remedy: 'look at the shipment',
      text: FOR_THE_LOG,
    },
  ],
  notice_contradicts: [409, { reason: 'notice_contradicts', field: 'amount' }],
  body_too_large: [413, { reason: 'body_too_large' }],
  unsupported_media_type: [415, { reason: 'unsupported_media_type' }],
  too_many_open_orders: [429, { reason: 'too_many_open_orders', most: 50 }],
  too_many_requests: [429, { reason: 'too_many_requests', retryAfterSeconds: 41 }],
  internal_error: [500, { reason: 'internal_error' }],
  wechat_refused: [502, { reason: 'wechat_refused', code: 'NOTENOUGH', text: FOR_THE_LOG }],
  wechat_misconfigured: [
    502,
    {
      reason: 'wechat_misconfigured',
      code: 'NOAUTH',
      remedy: 'switch JSAPI payment on',
      text: FOR_THE_LOG,
    },
  ],
  wechat_untrusted: [502, { reason: 'wechat_untrusted', check: 'merchant' }],
  wechat_unknown: [503, { reason: 'wechat_unknown' }],
  wechat_busy: [503, { reason: 'wechat_busy' }],
  unavailable: [503, { reason: 'unavailable', dependency: 'database', why: FOR_THE_LOG }],
  not_configured: [
    503,
    { reason: 'not_configured', variable: 'WECHAT_PAY_KEY', fault: 'is not set' },
  ],
  too_slow: [503, { reason: 'too_slow' }],
}
const all = Object.entries(every).map(([reason, [status, failure]]) => ({
  reason,
  status,
  failure,
}))
const answered = async (failure: Failure) =>
  v.parse(v.record(v.string(), v.unknown()), JSON.parse(await problem(failure, 'r-1').text()))

describe('a failure', () => {
  test.each(all)('$reason is answered with status $status', ({ status, failure }) => {
    expect(problem(failure, 'r-1').status).toBe(status)
  })

  test.each(all)('$reason keeps its public code', async ({ reason, status, failure }) => {
    expect(await answered(failure)).toMatchObject({
      type: `urn:wechat-pay-functions:problem:${reason}`,
      code: reason,
      status,
      requestId: 'r-1',
    })
  })

  test.each(all)('$reason has a title and a detail', ({ failure }) => {
    const { title, detail } = toProblem(failure)
    expect([title, detail]).toEqual([
      expect.stringMatching(/^.{5,60}$/),
      expect.stringMatching(/^.{15,200}$/),
    ])
  })

  test.each(all)('$reason shows the payer no text that is for the log', async ({ failure }) => {
    expect(JSON.stringify(await answered(failure))).not.toContain(FOR_THE_LOG)
  })

  test.each(all)('$reason is problem+json with exactly six members', async ({ failure }) => {
    const members = Object.keys(await answered(failure)).toSorted()
    expect([problem(failure, 'r-1').headers.get('content-type'), ...members]).toEqual([
      'application/problem+json',
      'code',
      'detail',
      'requestId',
      'status',
      'title',
      'type',
    ])
  })

  test.each(all.filter(({ status }) => status === 401))(
    '$reason asks for a bearer token',
    ({ failure }) => {
      expect(problem(failure, 'r-1').headers.get('www-authenticate')).toBe('Bearer')
    },
  )
})

describe('the merchant', () => {
  test.each([
    [
      'refund_refused',
      'WeChat answered TRADE_OVERDUE (“FOR-THE-LOG”): give the money back by other means.',
    ],
    ['shipping_refused', 'WeChat answered 10060003 (“FOR-THE-LOG”): look at the shipment.'],
    ['wechat_refused', 'WeChat answered NOTENOUGH (“FOR-THE-LOG”); nothing was changed.'],
    ['wechat_misconfigured', 'WeChat answered NOAUTH (“FOR-THE-LOG”): switch JSAPI payment on.'],
  ] as const)('gets for %s WeChat’s code, WeChat’s text and a remedy', (reason, detail) => {
    expect(toProblem(every[reason][1], 'merchant').detail).toBe(detail)
  })
})

describe('a caller', () => {
  test('gets the allowed methods', () => {
    expect(problem(every.method_not_allowed[1], 'r').headers.get('allow')).toBe('GET, POST')
  })

  test.each([
    ['too_many_requests', '41'],
    ['wechat_unknown', '2'],
    ['wechat_busy', '2'],
    ['unavailable', '2'],
    ['too_slow', '2'],
  ] as const)('learns after %s to come back in %s seconds', (reason, seconds) => {
    expect(problem(every[reason][1], 'r').headers.get('retry-after')).toBe(seconds)
  })

  test('gets the name of the invalid field and what is expected', () => {
    expect(toProblem(every.invalid_request[1]).detail).toBe('items.0.quantity: expected at least 1')
    expect(
      toProblem({ reason: 'invalid_request', field: 'code', fault: 'is missing' }).detail,
    ).toBe('code: is missing')
  })

  test('gets the name of a missing variable, and no value', () => {
    expect(toProblem(every.not_configured[1]).detail).toBe(
      'The environment variable WECHAT_PAY_KEY is not set.',
    )
  })

  test.each([
    'size',
    'encoding',
    'doctype',
    'syntax',
    'signature',
    'serial',
    'time',
    'decryption',
    'merchant',
    'content',
  ] as const)(
    'who forges a notification does not learn that the check of its %s failed',
    (check) => {
      expect(toProblem({ reason: 'notice_rejected', check })).toEqual(
        toProblem({ reason: 'notice_rejected', check: 'size' }),
      )
    },
  )

  test.each(['signature', 'merchant', 'content'] as const)(
    'who forges an answer of WeChat does not learn that the check of its %s failed',
    (check) => {
      expect(toProblem({ reason: 'wechat_untrusted', check })).toEqual(
        toProblem({ reason: 'wechat_untrusted', check: 'size' }),
      )
    },
  )

  test.each(['order', 'amount', 'currency', 'transaction', 'refund'] as const)(
    'does not learn that WeChat and the ledger differ over the %s',
    (field) => {
      expect(toProblem({ reason: 'notice_contradicts', field })).toEqual(
        toProblem({ reason: 'notice_contradicts', field: 'order' }),
      )
    },
  )
})

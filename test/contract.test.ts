/**
 * The checker that every test relies on finds answers that the published reference does not
 * describe.
 */
import { describe, expect, test } from 'vitest'
import { checkAnswer, checkEvent, type Answered } from './support/contract.ts'

describe('the checker', () => {
  const good: Answered = {
    method: 'POST',
    path: '/api/login',
    status: 200,
    headers: new Headers({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-request-id': 'r-1',
    }),
    text: '{"token":"t","expiresIn":86400}',
  }
  const problem = (status: number, code: string, more: Record<string, string> = {}): Answered => ({
    ...good,
    status,
    headers: withHeaders({ 'content-type': 'application/problem+json', ...more }),
    text: JSON.stringify({
      type: `urn:wechat-pay-functions:problem:${code}`,
      title: 'No',
      status,
      detail: 'No.',
      code,
      requestId: 'r-1',
    }),
  })
  const withHeaders = (more: Record<string, string>) =>
    new Headers({ ...Object.fromEntries(good.headers), ...more })
  const without = (name: string) => new Headers([...good.headers].filter(([own]) => own !== name))
  const bearer = { 'www-authenticate': 'Bearer' }

  test.each([
    ['a successful answer', good],
    ['a documented problem', problem(401, 'login_code_used', bearer)],
    ['a problem with its header', problem(429, 'too_many_requests', { 'retry-after': '7' })],
    ['a problem that needs no header', problem(503, 'not_configured')],
    ['HEAD, which has no body', { ...good, method: 'HEAD', path: '/api/products', text: '' }],
    [
      'an unknown method',
      { ...problem(405, 'method_not_allowed', { allow: 'GET, POST' }), method: 'DELETE' },
    ],
    [
      'an acknowledgement in XML',
      {
        ...good,
        path: '/api/notify',
        headers: withHeaders({ 'content-type': 'text/xml; charset=utf-8' }),
        text: '<xml><return_code>FAIL</return_code><return_msg>NOT TAKEN</return_msg></xml>',
      },
    ],
  ])('accepts %s', async (_, answered) => {
    await expect(checkAnswer(answered)).resolves.toBeUndefined()
  })

  test.each<[string, Answered, RegExp]>([
    ['an undocumented status', { ...good, status: 201 }, /such a status is not in it/],
    [
      'an additional field',
      { ...good, text: '{"token":"t","expiresIn":1,"openid":"o"}' },
      /additional properties \(openid\)/,
    ],
    [
      'a missing field',
      { ...good, text: '{"token":"t"}' },
      /must have required property 'expiresIn'/,
    ],
    [
      'a field of another type',
      { ...good, text: '{"token":"t","expiresIn":"1"}' },
      /\/expiresIn must be integer/,
    ],
    ['a body that is not JSON', { ...good, text: 'token' }, /must be object/],
    [
      'another content type',
      { ...good, headers: withHeaders({ 'content-type': 'text/html' }) },
      /content type text\/html/,
    ],
    ['no content type', { ...good, headers: without('content-type') }, /content type nothing/],
    [
      'no request id',
      { ...good, headers: without('x-request-id') },
      /header x-request-id is missing/,
    ],
    [
      'a cacheable answer',
      { ...good, headers: withHeaders({ 'cache-control': 'private' }) },
      /header cache-control/,
    ],
    [
      'a code of another status',
      problem(401, 'login_blocked', bearer),
      /\/code must be equal to one of the allowed values/,
    ],
    ['a code of another function', problem(409, 'order_paid'), /such a status is not in it/],
    ['an unknown code', problem(401, 'login_is_closed', bearer), /\/code must be equal/],
    [
      'a problem with another status in its body',
      { ...problem(403, 'login_code_used', bearer), status: 401 },
      /\/status must be equal/,
    ],
    [
      'a problem without its header',
      problem(401, 'login_code_used'),
      /header www-authenticate is missing/,
    ],
    [
      'retry-after on an answer that cannot be retried',
      problem(400, 'invalid_request', { 'retry-after': '2' }),
      /header retry-after is not in it/,
    ],
    [
      'retry-after without a number',
      problem(429, 'too_many_requests', { 'retry-after': 'soon' }),
      /header retry-after must be integer/,
    ],
    [
      'wrong methods in allow',
      { ...problem(405, 'method_not_allowed', { allow: 'GET' }), method: 'PUT' },
      /header allow/,
    ],
    ['an unknown function', { ...good, path: '/api/logout' }, /such a status is not in it/],
  ])('refuses %s', async (_, answered, error) => {
    await expect(checkAnswer(answered)).rejects.toThrow(error)
  })

  const headers = {
    'webhook-id': `evt_${'0'.repeat(32)}`,
    'webhook-timestamp': '1763000000',
    'webhook-signature': `v1,${'A'.repeat(43)}=`,
  }
  const refund = {
    outRefundNo: 'R1',
    outTradeNo: 'ORDER-1',
    refundId: '5',
    refundFee: 700,
    refundStatus: 'SUCCESS',
  }
  const eventBody = (type: string, data: object) =>
    JSON.stringify({ type, timestamp: '2026-11-20T12:00:00+08:00', data })

  test('accepts an event that is described', () => {
    expect(() => checkEvent({ headers, body: eventBody('refund.succeeded', refund) })).not.toThrow()
  })

  test.each<[string, Record<string, string>, string, RegExp]>([
    [
      'an additional field',
      headers,
      eventBody('refund.succeeded', { ...refund, openid: 'o' }),
      /additional properties \(openid\)/,
    ],
    ['another state', headers, eventBody('refund.failed', refund), /\/data\/refundStatus/],
    ['another type', headers, eventBody('refund.started', refund), /no such event/],
    [
      'no signature',
      { ...headers, 'webhook-signature': '' },
      eventBody('refund.succeeded', refund),
      /header webhook-signature/,
    ],
  ])('refuses an event with %s', (_, sent, body, error) => {
    expect(() => checkEvent({ headers: sent, body })).toThrow(error)
  })
})

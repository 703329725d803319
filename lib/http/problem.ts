import type { Caller } from '../core/caller.ts'
import type { Failure } from '../core/failure.ts'

interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}

const RETRY_SOON = { 'retry-after': '2' }

/**
 * Who reads an answer. WeChat's own text may reveal the merchant's affairs, such as an empty
 * balance, so payers never see it.
 */
export type Reader = 'merchant' | 'anyone'

const TOKENS: Readonly<Record<Caller['kind'], string>> = {
  user: 'a token of /api/login',
  merchant: 'the merchant key (MERCHANT_API_KEY)',
  cron: 'the cron secret (CRON_SECRET)',
}
const nameTokens = (needs: readonly Caller['kind'][]): string =>
  needs.map((kind) => TOKENS[kind]).join(' or ')

/**
 * What a caller reads about a failure: helpful, and nothing secret in it. A reason without an entry
 * does not compile.
 */
export function toProblem(failure: Failure, reader: Reader = 'anyone'): Problem {
  const saidByWechat = ({ code, text = '' }: { readonly code: string; readonly text?: string }) =>
    `WeChat answered ${code}${reader === 'merchant' && text !== '' ? ` (“${text}”)` : ''}`
  switch (failure.reason) {
    case 'invalid_request':
      return {
        status: 400,
        title: 'The request does not fit',
        detail: `${failure.field}: ${'fault' in failure ? failure.fault : `expected ${failure.expected}`}`,
      }
    case 'invalid_user_data':
      return {
        status: 400,
        title: 'The user data is not genuine',
        detail: 'Call wx.login first, then the call that yields the data, and send both together.',
      }
    case 'not_signed_in':
      return {
        status: 401,
        title: 'A token is needed',
        detail: `Send the header Authorization: Bearer with ${nameTokens(failure.needs)}.`,
        headers: { 'www-authenticate': 'Bearer' },
      }
    case 'login_code_invalid':
    case 'login_code_used':
      return {
        status: 401,
        title: 'The login code is no longer good',
        detail: 'Call wx.login again and send the new code.',
        headers: { 'www-authenticate': 'Bearer' },
      }
    case 'login_blocked':
      return {
        status: 403,
        title: 'WeChat does not let this user log in',
        detail: 'Nothing to be done here; do not retry.',
      }
    case 'wrong_token':
      return {
        status: 403,
        title: 'This token may not do that',
        detail: `The token is valid, but this call needs ${nameTokens(failure.needs)}.`,
      }
    case 'order_not_found':
      return {
        status: 404,
        title: 'No such order',
        detail: 'There is no such order, or it is not yours.',
      }
    case 'method_not_allowed':
      return {
        status: 405,
        title: 'Wrong method',
        detail: `This address takes ${failure.allow}.`,
        headers: { allow: failure.allow },
      }
    case 'order_conflict':
      return {
        status: 409,
        title: 'The number or key is taken',
        detail: 'An order with this outTradeNo or Idempotency-Key exists with other content.',
      }
    case 'order_paid':
      return {
        status: 409,
        title: 'The order is paid',
        detail: 'Ask /api/query for it; do not pay again.',
      }
    case 'order_closed':
      return {
        status: 409,
        title: 'The order is closed',
        detail: 'It was closed or has expired; place a new one.',
      }
    case 'order_not_paid':
      return {
        status: 409,
        title: 'The order is not paid',
        detail: 'It can be neither refunded nor shipped before it is paid.',
      }
    case 'refund_not_found':
      return {
        status: 404,
        title: 'No such refund',
        detail: 'There is no such refund, or it is not yours.',
      }
    case 'refund_conflict':
      return {
        status: 409,
        title: 'The refund number is taken',
        detail: 'A refund with this outRefundNo exists with other content.',
      }
    case 'refund_too_much':
      return {
        status: 409,
        title: 'More than was paid',
        detail: 'The refunds asked for so far and this one would exceed what was paid.',
      }
    case 'refund_refused':
      return {
        status: 409,
        title: 'WeChat refused the refund',
        detail: `${saidByWechat(failure)}: ${failure.remedy}.`,
      }
    case 'shipping_refused':
      return {
        status: 409,
        title: 'WeChat refused the shipment',
        detail: `${saidByWechat(failure)}: ${failure.remedy}.`,
      }
    case 'notice_contradicts':
      return {
        status: 409,
        title: 'WeChat and the ledger disagree',
        detail: 'Nothing was changed; the merchant has been told.',
      }
    case 'body_too_large':
      return { status: 413, title: 'The body is too large', detail: 'At most 64 KiB are taken.' }
    case 'unsupported_media_type':
      return {
        status: 415,
        title: 'Neither JSON nor a form',
        detail: 'Send application/json or application/x-www-form-urlencoded.',
      }
    case 'too_many_requests':
      return {
        status: 429,
        title: 'Too many requests',
        detail: 'Wait a moment, then try again.',
        headers: { 'retry-after': String(failure.retryAfterSeconds) },
      }
    case 'too_many_open_orders':
      return {
        status: 429,
        title: 'Too many unpaid orders',
        detail: `You have ${failure.most} unpaid orders. Pay one of them, or close it: it counts until WeChat has closed it too, or until its timeExpire.`,
      }
    case 'notice_rejected':
      return {
        status: 400,
        title: 'The notification was refused',
        detail: 'It is not a genuine message from WeChat.',
      }
    case 'wechat_refused':
      return {
        status: 502,
        title: 'WeChat refused',
        detail: `${saidByWechat(failure)}; nothing was changed.`,
      }
    case 'wechat_misconfigured':
      return {
        status: 502,
        title: 'WeChat does not accept our configuration',
        detail: `${saidByWechat(failure)}: ${failure.remedy}.`,
      }
    case 'wechat_untrusted':
      return {
        status: 502,
        title: 'The answer was not genuine',
        detail:
          'What came in place of WeChat’s answer was not rightly signed or not readable; nothing of it was believed. Asking again is safe.',
      }
    case 'wechat_unknown':
      return {
        status: 503,
        title: 'WeChat did not answer',
        detail: 'The outcome is not known yet. Asking again is safe (a login: with a new code).',
        headers: RETRY_SOON,
      }
    case 'wechat_busy':
      return {
        status: 503,
        title: 'WeChat is busy',
        detail: 'WeChat asks us to slow down. Asking again is safe.',
        headers: RETRY_SOON,
      }
    case 'bill_not_ready':
      return {
        status: 503,
        title: 'The bill is not ready',
        detail:
          'WeChat has not made the bill of this day yet. It makes them in the morning, until about ten, Beijing time.',
        headers: { 'retry-after': '1800' },
      }
    case 'bill_busy':
      return {
        status: 409,
        title: 'The day is being compared',
        detail:
          'Another request is comparing the bill of this day. Its result is stored when it is done.',
        headers: { 'retry-after': '60' },
      }
    case 'unavailable':
      return {
        status: 503,
        title: 'Out of order for a moment',
        detail: `The ${failure.dependency} did not answer: what was asked may be done or not, but not half. Asking again is safe (a login: with a new code; an order: under the same Idempotency-Key).`,
        headers: RETRY_SOON,
      }
    case 'not_configured':
      return {
        status: 503,
        title: 'Not configured',
        detail: `The environment variable ${failure.variable} ${failure.expected}.`,
      }
    case 'too_slow':
      return {
        status: 503,
        title: 'Not done in time',
        detail: 'The outcome is not known yet. Asking again is safe.',
        headers: RETRY_SOON,
      }
    case 'internal_error':
      return {
        status: 500,
        title: 'Our mistake',
        detail: 'Something unexpected happened; the log has it under this requestId.',
      }
  }
}

/** RFC 9457 `application/problem+json`. */
export function problem(failure: Failure, requestId: string, reader: Reader = 'anyone'): Response {
  const { status, title, detail, headers } = toProblem(failure, reader)
  const body = {
    type: `urn:wechat-pay-functions:problem:${failure.reason}`,
    title,
    status,
    detail,
    code: failure.reason,
    requestId,
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  })
}
